"""Results out of the ledger into files, and out of files into the ledger."""
