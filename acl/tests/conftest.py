"""Settings of the property tests: no deadline, as the machine that runs them may be busy with other things."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("pulse-acl", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pulse-acl")
