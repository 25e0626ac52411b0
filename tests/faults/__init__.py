"""Real processes under a seeded schedule of faults, and the archive compared with the truth; ``make faults``."""
