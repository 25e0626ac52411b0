"""Fixtures for the tests of every part; see ``tests/support``."""

pytest_plugins = ["support.database"]
