"""Named tokens of other programs: made by a person, within that person's rights, and revocable."""
