"""Fixtures for the tests of every part; see ``tests/support``."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ["support.chromium", "support.database"]
os.environ.setdefault("PULSE_DEVICE_KEYS", "file")  # tests leave nothing in the developer's own keyring
# The machine may be busy with other things while a property is tried.
settings.register_profile("pulse", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pulse")
