"""What a source is: something that gives values when it is asked."""

from __future__ import annotations

from typing import Protocol

from ..readings import NumberedValues, Values


class Source(Protocol):
    """
    One origin of metrics.

    It may raise at any time: it is then closed and made again after a pause, and the sampling clock goes on.
    """

    @property
    def name(self) -> str:
        """For people and the log."""
        ...

    def read(self) -> Values | NumberedValues:
        """Return the values of this moment, quickly; or a function that makes them from (stream, number)."""
        ...

    def close(self) -> None:
        """Give up what it holds."""
        ...
