"""Shipped experiments: TOML files by system, and the benchmarks."""
