"""The state table: every cell filled, and what must hold along any path through it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_desktop.core.connection import STATUS, TABLE, Action, Event, State, step


def test_table_has_every_cell_and_no_other():
    assert set(TABLE) == set(itertools.product(State, Event))
    assert set(STATUS) == set(State)


@pytest.mark.parametrize(
    ("state", "event", "after"),
    [
        (State.DISCONNECTED, Event.LINK_UP, State.SYNCING),
        (State.SYNCING, Event.CAUGHT_UP, State.CONNECTED),
        (State.SYNCING, Event.ARCHIVE_AWAY, State.AWAY),
        (State.CONNECTED, Event.ARCHIVE_AWAY, State.AWAY),
        (State.AWAY, Event.ANSWERED, State.SYNCING),
        (State.CONNECTED, Event.FLUSH_WANTED, State.SYNCING),
        (State.DISCONNECTED, Event.FLUSH_WANTED, State.DISCONNECTED),
        (State.DISCONNECTED, Event.ANSWERED, State.DISCONNECTED),
        (State.AWAY, Event.CAUGHT_UP, State.AWAY),
    ],
)
def test_table_transition_leads_where_the_design_says(state: State, event: Event, after: State):
    assert step(state, event).state is after


@given(st.lists(st.sampled_from(Event), max_size=40))
def test_table_any_path_is_connected_only_between_link_up_and_link_down(events: list[Event]):
    state, has_link = State.DISCONNECTED, False
    for event in events:
        has_link = True if event is Event.LINK_UP else False if event is Event.LINK_DOWN else has_link
        state = step(state, event).state
        assert (state is not State.DISCONNECTED) == has_link


@given(st.sampled_from(State), st.sampled_from(Event))
def test_table_every_way_into_syncing_begins_at_the_oldest_row(state: State, event: Event):
    taken = step(state, event)
    if taken.state is State.SYNCING and state is not State.SYNCING:
        assert taken.actions == (Action.FORGET_FLIGHT, Action.START_SYNC, Action.TELL)


@given(st.sampled_from(State), st.sampled_from(Event))
def test_table_every_change_seen_by_others_is_told_while_there_is_a_link(state: State, event: Event):
    taken = step(state, event)
    if taken.state is not State.DISCONNECTED and STATUS[taken.state] != STATUS[state]:
        assert Action.TELL in taken.actions


@given(st.sampled_from(State), st.sampled_from(Event))
def test_table_live_opens_on_every_way_out_of_syncing_that_keeps_the_link(state: State, event: Event):
    taken = step(state, event)
    if state is State.SYNCING and taken.state in {State.CONNECTED, State.AWAY}:
        assert Action.OPEN_LIVE in taken.actions
