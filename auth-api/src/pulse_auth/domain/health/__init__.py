"""Whether this process is alive and ready, each check by name, and its metrics."""
