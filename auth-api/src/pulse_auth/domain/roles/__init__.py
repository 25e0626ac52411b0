"""Roles and permissions with their topic rules. Read next: ``roles``, ``permissions``."""
