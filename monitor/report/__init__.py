"""Reports for vendors: what happened in a stretch of time, from the ledger, with evidence."""
