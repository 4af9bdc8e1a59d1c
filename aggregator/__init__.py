"""Results to windows to summaries, and the ledger that keeps them."""
