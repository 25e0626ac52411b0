"""Fixtures for the tests of every part; see ``tests/support``."""

import os

pytest_plugins = ["support.chromium", "support.database"]
os.environ.setdefault("PULSE_DEVICE_KEYS", "file")  # tests leave nothing in the developer's own keyring
