"""Benchmarks: `python -m benchmarks` (or `make bench`). Speeds are ratios to bare SimPy in the same minute."""
