"""
Tells whether another device uses this one's id, from the little that a device can see of it.

MQTT 3.1.1 gives no reason when a broker ends a connection because the same id has connected elsewhere. Two signs
are taken together or alone: the broker takes this device and cuts it off seconds later, or when a twin that suspects
it has waited for its turn, again and again, with no failed attempt between; receipts come for a stream that this
device never made. Pure; time is passed in.
Source: delivery, "The device", point 6; docs/adr/0009-two-devices-with-one-id.md.
"""

from __future__ import annotations

from collections import deque

SHORT_S = 10.0
SHORT_ENDS = 3
SHORT_WITHIN_S = 120.0
FOREIGN_ENDS = 2
FOREIGN_WITHIN_S = 300.0
LEAST_WAIT_S, MOST_WAIT_S = 20.0, 40.0  # so each of the two has the id for about as long as the other
TURN_S = MOST_WAIT_S + 5.0  # and what the other one takes to connect
CALM_AFTER_S = 90.0  # the other one would have been back by then


class TakeoverWatch:
    """What happened to the connections of one device; ``is_suspected``: another session takes its id over."""

    def __init__(self) -> None:
        self._ends: deque[tuple[float, bool]] = deque()  # when, and whether it lived as long as a twin lets it
        self._foreign_at = float("-inf")
        self.is_suspected = False

    def ended(self, lived_s: float, now: float) -> None:
        """Note that the broker ended a connection that it had taken *lived_s* before."""
        if lived_s >= CALM_AFTER_S:
            self.calm()
        self._ends.append((now, lived_s < SHORT_S or LEAST_WAIT_S <= lived_s < TURN_S))
        while self._ends[0][0] < now - FOREIGN_WITHIN_S:
            self._ends.popleft()
        self.is_suspected |= self._is_fought_over(now) or self._has_twin(now)

    def failed(self) -> None:
        """Note that no connection could be made: it is the network or the broker that fails."""
        self._ends.clear()

    def foreign_receipt(self, now: float) -> None:
        """Note a receipt for a stream that this device never made; before anything ended it may be an old one."""
        if self._ends:
            self._foreign_at = now

    def calm(self) -> None:
        """Forget everything: a connection has lasted."""
        self._ends.clear()
        self._foreign_at = float("-inf")
        self.is_suspected = False

    def _is_fought_over(self, now: float) -> bool:
        newest = list(self._ends)[-SHORT_ENDS:]
        return len(newest) == SHORT_ENDS and all(is_sign and at >= now - SHORT_WITHIN_S for at, is_sign in newest)

    def _has_twin(self, now: float) -> bool:
        return len(self._ends) >= FOREIGN_ENDS and self._foreign_at >= now - FOREIGN_WITHIN_S
