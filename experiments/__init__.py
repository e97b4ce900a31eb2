"""Experiments: run(seed, ...) returns a tidy table, written as CSV with its provenance as JSON."""

import os

# Before NumPy is loaded: on small matrices OpenBLAS threads wait for each other, up to 20 times longer.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
