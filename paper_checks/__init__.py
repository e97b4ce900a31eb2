"""One file for each numbered statement; `python -m paper_checks` runs them and prints the ledger."""

import os

# Before NumPy is loaded: on small matrices OpenBLAS threads wait for each other, up to 20 times longer.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
