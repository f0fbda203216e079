"""Reading the ledger: what is asked of the log itself."""
