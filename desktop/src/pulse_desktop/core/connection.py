"""
The states of the connection to the archive, as one table with every cell filled.

Pure: the table says which state follows and what is to be done; ``delivery.courier`` does it. A link is a
connection to the broker; the archive answers with receipts. Source: delivery, "The device", points 2 and 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Where delivery stands."""

    DISCONNECTED = "DISCONNECTED"  # no link: readings wait on disk
    SYNCING = "SYNCING"  # link: what was held is being flushed
    CONNECTED = "CONNECTED"  # link: readings go out as they are taken
    AWAY = "AWAY"  # link, but nobody archives: live goes on, the backlog waits


class Event(StrEnum):
    """What happens to delivery."""

    LINK_UP = "LINK_UP"  # the broker took us and our subscriptions
    LINK_DOWN = "LINK_DOWN"
    CAUGHT_UP = "CAUGHT_UP"  # everything held when syncing began has a fate
    ARCHIVE_AWAY = "ARCHIVE_AWAY"  # unanswered for too long, or every ingest instance says so
    ANSWERED = "ANSWERED"  # a receipt for one of our readings
    FLUSH_WANTED = "FLUSH_WANTED"  # somebody asked for a sync now


class Action(StrEnum):
    """What a transition asks for, in the order given."""

    FORGET_FLIGHT = "FORGET_FLIGHT"  # what is under way will be sent again when its turn comes
    START_SYNC = "START_SYNC"  # remember what is held now, begin at its oldest row
    OPEN_LIVE = "OPEN_LIVE"  # from the next reading on, straight to /live
    TELL = "TELL"  # a heartbeat at once


@dataclass(frozen=True, slots=True)
class Step:
    """One cell of the table."""

    state: State
    actions: tuple[Action, ...] = ()


_SYNC = Step(State.SYNCING, (Action.FORGET_FLIGHT, Action.START_SYNC, Action.TELL))
_LOST = Step(State.DISCONNECTED, (Action.FORGET_FLIGHT,))
_LIVE = Step(State.CONNECTED, (Action.OPEN_LIVE, Action.TELL))
_AWAY = Step(State.AWAY, (Action.FORGET_FLIGHT, Action.OPEN_LIVE, Action.TELL))

TABLE: dict[tuple[State, Event], Step] = {
    (State.DISCONNECTED, Event.LINK_UP): _SYNC,
    (State.DISCONNECTED, Event.LINK_DOWN): Step(State.DISCONNECTED),
    (State.DISCONNECTED, Event.CAUGHT_UP): Step(State.DISCONNECTED),  # a late receipt; still no link
    (State.DISCONNECTED, Event.ARCHIVE_AWAY): Step(State.DISCONNECTED),
    (State.DISCONNECTED, Event.ANSWERED): Step(State.DISCONNECTED),
    (State.DISCONNECTED, Event.FLUSH_WANTED): Step(State.DISCONNECTED),  # the next link flushes anyway
    (State.SYNCING, Event.LINK_UP): _SYNC,  # a new link before the loss of the old one was noticed
    (State.SYNCING, Event.LINK_DOWN): _LOST,
    (State.SYNCING, Event.CAUGHT_UP): _LIVE,
    (State.SYNCING, Event.ARCHIVE_AWAY): _AWAY,
    (State.SYNCING, Event.ANSWERED): Step(State.SYNCING),
    (State.SYNCING, Event.FLUSH_WANTED): Step(State.SYNCING),  # it is being done
    (State.CONNECTED, Event.LINK_UP): _SYNC,
    (State.CONNECTED, Event.LINK_DOWN): _LOST,
    (State.CONNECTED, Event.CAUGHT_UP): Step(State.CONNECTED),
    (State.CONNECTED, Event.ARCHIVE_AWAY): Step(State.AWAY, (Action.FORGET_FLIGHT, Action.TELL)),
    (State.CONNECTED, Event.ANSWERED): Step(State.CONNECTED),
    (State.CONNECTED, Event.FLUSH_WANTED): _SYNC,
    (State.AWAY, Event.LINK_UP): _SYNC,
    (State.AWAY, Event.LINK_DOWN): _LOST,
    (State.AWAY, Event.CAUGHT_UP): Step(State.AWAY),  # the answer that made it so comes as ANSWERED
    (State.AWAY, Event.ARCHIVE_AWAY): Step(State.AWAY),
    (State.AWAY, Event.ANSWERED): _SYNC,
    (State.AWAY, Event.FLUSH_WANTED): _SYNC,
}
STATUS: dict[State, str] = {
    State.DISCONNECTED: "OFFLINE",
    State.SYNCING: "SYNCING",
    State.CONNECTED: "ONLINE",
    State.AWAY: "ONLINE",
}


def step(state: State, event: Event) -> Step:
    """Return what follows from *event* in *state*; there is an answer for every pair."""
    return TABLE[state, event]
