"""The clients under test, each in a process of its own (benchmarks/seat.py)."""
