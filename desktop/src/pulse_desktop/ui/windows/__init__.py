"""Whole windows and dialogs."""
