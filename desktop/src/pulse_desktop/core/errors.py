"""
The errors of the client, split by whether trying again can help.

A wrong configuration is ``pulse_runtime.errors.ConfigError`` and ends the program with its sentence.
"""

from __future__ import annotations

from enum import StrEnum


def network_cause(error: BaseException) -> OSError | None:
    """Return what the operating system said that *error* was made of; ``None``: it comes from elsewhere."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, OSError):
        found = found.__cause__ or found.__context__
    return found


class Link(StrEnum):
    """
    Which link is missing, for people; ``UP`` when none is.

    ``REFUSED``: by the server or its broker; ``REFUSED_HERE``: by this machine, which does not accept what they are.
    """

    UP = "up"
    CONNECTING = "connecting"
    NO_NETWORK = "no network"
    NO_BROKER = "no broker"
    REFUSED = "refused"
    REFUSED_HERE = "refused here"
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
