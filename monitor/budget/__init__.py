"""What probes may spend in a day: reserved before sending, kept in the ledger, made to last."""
