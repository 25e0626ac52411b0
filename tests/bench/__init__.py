"""Benchmarks: each prints its figure, the reference measured beside it, and the ratio against the bar."""
