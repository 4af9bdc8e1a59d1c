"""Rules in virtual time: over results that were written down for a test, or recorded."""
