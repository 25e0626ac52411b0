"""
What a restored archive asks for again, told apart from the same request repeated.

The worker asks at a heartbeat and every 60 s until a heartbeat reports ``resent_since``, so the same time asked for
soon after is a repetition. Later it is another restore from the same backup, and what was sent after the first one
is missing again. Serving a request once too often costs duplicates, which the archive drops; ignoring one would lose
readings. Pure. Source: delivery, "The device", point 5.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pulse_acl.payloads import Receipt, format_time, parse_time

REPEATED_WITHIN = timedelta(seconds=90)


class Wishes:
    """The request that was served last since the program started, and when the archive asked last."""

    def __init__(self) -> None:
        self._since: str | None = None
        self._asked_at: datetime | None = None

    def new_in(self, receipt: Receipt) -> str | None:
        """Return from which receipt time on everything is wanted, when *receipt* asks for something not yet served."""
        if receipt.wanted_since is None:
            return None
        since, at = format_time(parse_time(receipt.wanted_since)), parse_time(receipt.at)
        before, self._asked_at = self._asked_at, at  # a repetition of a repetition is one, too: serving may take long
        if since == self._since and before is not None and at - before < REPEATED_WITHIN:
            return None
        self._since = since
        return since
