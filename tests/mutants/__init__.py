"""Small patches that break one invariant each, and the runner that requires the named test to notice."""
