"""Experiments: run(seed, ...) returns a tidy table, written as CSV with its provenance as JSON."""
