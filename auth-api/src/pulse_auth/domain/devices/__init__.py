"""Devices: enrollment by one-time code, tokens for their assertions, presence, and revoking."""
