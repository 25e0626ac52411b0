"""
The errors of the client, split by whether trying again can help.

A wrong configuration is ``pulse_runtime.errors.ConfigError`` and ends the program with its sentence.
"""

from __future__ import annotations

from enum import StrEnum


class Link(StrEnum):
    """Which link is missing, for people; ``UP`` when none is."""

    UP = "up"
    CONNECTING = "connecting"
    NO_NETWORK = "no network"
    NO_BROKER = "no broker"
    REFUSED = "refused"
    TAKEN_OVER = "another device uses this id"


class DesktopError(Exception):
    """Base of all errors of this part."""


class LinkError(DesktopError):
    """No connection now; trying again later can help. ``link`` says which link is missing."""

    def __init__(self, link: Link, detail: str) -> None:
        super().__init__(f"{link}: {detail}")
        self.link = link
        self.detail = detail


class CutOffError(LinkError):
    """The broker took the connection and ended it before it could be used."""


class StorageError(DesktopError):
    """The outbox cannot be written to now (full or read-only disk); nothing was recorded."""


class EnrollmentError(DesktopError):
    """The device was not enrolled; ``str()`` says why and what to do, in one sentence."""


class SignInError(DesktopError):
    """The person is not signed in, or may not do this; ``str()`` says why, in one sentence."""


class ChangeError(DesktopError):
    """A change was not queued; ``str()`` says why, in one sentence."""
