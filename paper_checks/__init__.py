"""One file for each numbered statement; `python -m paper_checks` runs them and prints the ledger."""
