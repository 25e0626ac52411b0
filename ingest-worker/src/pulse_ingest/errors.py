"""
What can go wrong in the worker, split by what helps: trying again later, trying again apart, or never.

Drivers' exceptions end in ``writer``, ``subscriber`` and ``tokens``; everything else sees these. Knows no driver.
"""

from __future__ import annotations


class IngestError(Exception):
    """Base of the worker's errors."""


class StorageUnavailable(IngestError):  # noqa: N818 -- a state of the world, not a fault of the caller
    """The database is away or cannot store anything now; whether the last COMMIT happened is unknown."""


class TookTooLong(StorageUnavailable):
    """
    A statement ran out of its time or of the server's memory: the database may be away, or the batch be too much.

    Whoever can, asks: when the database answers a probe, the batch is tried again apart.
    """


class WriteFailed(IngestError):  # noqa: N818
    """The transaction was rolled back for a reason that is not in the data; the same batch may be tried again."""

    def __init__(self, sqlstate: str, message: str) -> None:
        """Keep the five-letter *sqlstate* (empty when the fault is not PostgreSQL's) beside the *message*."""
        super().__init__(f"{sqlstate} {message}".strip())
        self.sqlstate = sqlstate


class UnfitData(WriteFailed):
    """SQLSTATE class 22: a value does not fit. Only on a single reading is this the reading's own fault."""


class LinkError(IngestError):
    """Base of what ends a connection to the broker; a new one may help."""


class LinkRefused(LinkError):  # noqa: N818
    """The broker refused the connection or a subscription; a new token may help."""


class LinkLost(LinkError):  # noqa: N818
    """The broker cannot be reached, or the connection ended."""


class Stalled(IngestError):  # noqa: N818
    """Messages are held and nothing happens to them though the archive is there: only a new process helps."""


class TokenUnavailable(IngestError):  # noqa: N818
    """No token could be had now (API or database away, or the key not known yet); trying again may help."""
