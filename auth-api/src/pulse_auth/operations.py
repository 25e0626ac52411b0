"""
Wires what keeps the application in order while it runs: housekeeping, the key files, the figures of the system.

Part of ``app``, which is its only caller; apart from it only to keep both readable.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from .background import Loop
from .clock import Clock
from .db.session import Sessions
from .domain.health.certificates import ServedCertificates
from .domain.health.checks import Check
from .domain.health.figures import SystemFigures
from .housekeeping import keep_tidy
from .keys.publication import KeyPublication
from .keys.signing import KeyRing
from .settings import Settings


@dataclass(frozen=True, slots=True)
class Operations:
    """What runs beside the API, and what readiness tells of it."""

    loops: Mapping[str, Loop]
    told: Mapping[str, Check]


def make_operations(
    settings: Settings, sessions: Sessions, keys: KeyRing, clock: Clock, registry: CollectorRegistry
) -> Operations:
    """Make all of it; nothing is opened before the loops run."""
    publication = KeyPublication(keys, settings.jwks_file)
    figures = SystemFigures(registry, sessions, settings)
    certificates = ServedCertificates(registry, settings)
    loops: dict[str, Loop] = {
        "housekeeping": lambda: keep_tidy(sessions, clock),
        "keys": publication.run,
        "figures": figures.run,
        "certificates": certificates.run,
    }
    return Operations(loops, {"keys": publication.check})
