"""The outgoing queue: order, window, acknowledgement, resending, and its bounds."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from pulse_broker.messages import Message
from pulse_broker.outgoing import MAX_IN_FLIGHT, Budget, OutgoingQueue
from pulse_broker.packets import PacketBuffer, Publish, read_publish

PLENTY = 1 << 30


def sent(data: bytes) -> list[Publish]:
    buffer, found = PacketBuffer(PLENTY), []
    buffer.feed(data)
    while (packet := buffer.take()) is not None:
        found.append(read_publish(packet))
    return found


def message(number: int, topic: str = "a") -> Message:
    return Message(topic, str(number).encode(), 1)


def test_outgoing_window_is_full_waits_for_an_acknowledgement() -> None:
    queue = OutgoingQueue(Budget())
    for number in range(MAX_IN_FLIGHT + 2):
        assert queue.put(message(number), 1)
    first = sent(queue.take(PLENTY)[0])
    assert len(first) == MAX_IN_FLIGHT
    assert queue.take(PLENTY) == (b"", 0)
    assert queue.acknowledge(first[5].packet_id)
    assert [found.payload for found in sent(queue.take(PLENTY)[0])] == [str(MAX_IN_FLIGHT).encode()]


def test_outgoing_unknown_acknowledgement_changes_nothing() -> None:
    queue = OutgoingQueue(Budget())
    assert not queue.acknowledge(1)
    queue.put(message(1), 0)
    assert sent(queue.take(PLENTY)[0])[0].qos == 0
    assert queue.in_flight == 0


def test_outgoing_resume_sends_what_was_in_flight_first_with_dup_and_same_number() -> None:
    queue = OutgoingQueue(Budget())
    for number in range(3):
        queue.put(message(number), 1)
    before = sent(queue.take(1)[0])
    queue.resume(lambda _: 1)
    after = sent(queue.take(PLENTY)[0])
    assert [(found.payload, found.dup) for found in after] == [(b"0", True), (b"1", False), (b"2", False)]
    assert after[0].packet_id == before[0].packet_id


def test_outgoing_resume_forgets_what_is_not_allowed_any_more() -> None:
    budget = Budget()
    queue = OutgoingQueue(budget)
    for number, topic in enumerate(("a", "b", "a", "b")):
        queue.put(message(number, topic), 1)
    queue.take(1)
    queue.take(1)
    assert queue.resume({"a": 1}.get) == 2
    assert [found.payload for found in sent(queue.take(PLENTY)[0])] == [b"0", b"2"]
    assert budget.used == message(0).size * 2


def test_outgoing_budget_is_shared_between_queues() -> None:
    budget = Budget(limit=message(1).size * 2)
    one, other = OutgoingQueue(budget), OutgoingQueue(budget)
    assert one.put(message(1), 1)
    assert one.put(message(1), 1)
    assert not other.put(message(1), 1)
    assert one.drop_oldest()
    assert other.put(message(1), 1)


class History:
    """A queue and what a client would know of it."""

    def __init__(self) -> None:
        self.budget = Budget()
        self.queue = OutgoingQueue(self.budget, max_queued=10)
        self.made, self.last = 0, -1
        self.in_flight: dict[int, bytes] = {}

    def put(self, qos: int) -> None:
        self.made += 1
        self.queue.put(message(self.made), qos)

    def take(self) -> None:
        for found in sent(self.queue.take(1)[0]):
            if not found.dup:
                assert int(found.payload) > self.last
                assert found.packet_id not in self.in_flight
                self.last = int(found.payload)
            if found.qos:
                self.in_flight[found.packet_id] = found.payload

    def acknowledge(self) -> None:
        if self.in_flight:
            assert self.queue.acknowledge(self.in_flight.popitem()[0])

    def wipe(self) -> None:
        self.queue.clear()
        self.in_flight.clear()


STEPS: dict[str, Callable[[History], object]] = {
    "put 0": lambda history: history.put(0),
    "put 1": lambda history: history.put(1),
    "take": History.take,
    "acknowledge": History.acknowledge,
    "drop": lambda history: history.queue.drop_oldest(),
    "resume": lambda history: history.queue.resume(lambda _: 1),
    "wipe": History.wipe,
}


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=60))
def test_outgoing_any_history_keeps_order_numbers_and_accounts(steps) -> None:
    """Whatever happens: no number twice in flight, first sendings in order, and the bytes add up."""
    history = History()
    for step in steps:
        STEPS[step](history)
        assert history.queue.in_flight == len(history.in_flight)
    history.queue.clear()
    assert history.budget.used == 0
