"""Benchmarks: each compares in one run, prints ratios, and says what it ran."""
