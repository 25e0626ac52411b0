"""Parts of windows, each with one thing to show."""
