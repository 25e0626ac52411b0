"""Users and their roles, as administrators work with them. Read next: ``services``."""
