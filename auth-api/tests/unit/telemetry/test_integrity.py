"""The account of a device against a model that keeps one set for each stream."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from pulse_acl import ranges as numbers
from pulse_acl.payloads import Heartbeat, HeldOlder, HeldStream
from pulse_auth.domain.telemetry.integrity import LedgerRow, account

OLD, MIDDLE, NEW = (UUID(f"018f0000-0000-7000-8000-00000000000{n}") for n in (1, 2, 3))
STREAMS = (OLD, MIDDLE, NEW)


def row(
    stream: UUID,
    settled: numbers.Ranges,
    produced: int,
    rejected: numbers.Ranges | None = None,
    lost: numbers.Ranges | None = None,
) -> LedgerRow:
    return LedgerRow(stream, settled, rejected or [], lost or [], produced, duplicates=2)


def heartbeat(stream: UUID | None, last: int | None, held: list[HeldStream] | None = None, **more: object) -> Heartbeat:
    return Heartbeat(
        client_id="D1",
        status="ONLINE",
        stream=str(stream) if stream else None,
        last_sequence_no=last,
        held=held,
        **more,  # type: ignore[arg-type]
    )


def held(stream: UUID, first: int, last: int) -> HeldStream:
    return HeldStream(stream=str(stream), first=first, last=last, count=last - first + 1)


def test_account_of_a_device_never_seen_is_all_zero() -> None:
    report = account([], None)
    assert (report.produced, report.archived, report.missing, report.streams) == (0, 0, 0, [])


def test_account_of_fates_counts_each_number_once() -> None:
    report = account([row(OLD, [(1, 10)], 10, rejected=[(3, 3)], lost=[(5, 6)])], heartbeat(OLD, 10))
    assert (report.archived, report.rejected, report.declared_lost) == (7, 1, 2)
    assert (report.produced, report.on_device, report.missing, report.duplicates) == (10, 0, 0, 2)


def test_account_of_a_hole_that_the_device_still_holds_is_not_missing() -> None:
    report = account([row(NEW, [(1, 4), (8, 10)], 12)], heartbeat(NEW, 12, [held(NEW, 5, 6)]))
    assert report.on_device == 2
    assert report.streams[0].missing == [(7, 7), (11, 12)]
    assert report.missing == 3


def test_account_of_numbers_newer_than_the_heartbeat_calls_nothing_missing() -> None:
    """Number 102 overtook 101: the heartbeat knows only 100, so 101 is neither missing nor on the device."""
    report = account([row(NEW, [(1, 100), (102, 102)], 102)], heartbeat(NEW, 100))
    assert (report.produced, report.archived, report.on_device, report.missing) == (102, 101, 0, 0)


def test_account_of_a_stream_begun_after_the_heartbeat_calls_nothing_missing() -> None:
    """The device began NEW since, and number 2 overtook 1: the heartbeat, still of OLD, cannot tell where 1 is."""
    row = LedgerRow(NEW, [(2, 2)], [], [], 2, 0, is_newer=True)
    report = account([row], heartbeat(OLD, 4))
    assert (report.produced, report.archived, report.on_device) == (6, 1, 0)
    assert [stream.missing for stream in report.streams] == [[(1, 4)], []]
    assert account([row], heartbeat(NEW, 1)).missing == 1, "a heartbeat that names it goes before"


def test_account_of_an_older_stream_is_not_bounded_by_the_current_one() -> None:
    report = account([row(OLD, [(1, 3)], 9)], heartbeat(NEW, 2, [held(NEW, 1, 2)]))
    assert report.streams[0].missing == [(4, 9)]
    assert (report.produced, report.on_device) == (11, 2)


def test_account_of_streams_up_to_held_older_puts_all_unsettled_on_the_device() -> None:
    older = HeldOlder(newest=str(MIDDLE), streams=2, count=50)
    report = account(
        [row(OLD, [(2, 2)], 5), row(MIDDLE, [], 3), row(NEW, [(1, 1)], 4)], heartbeat(None, None, held_older=older)
    )
    assert [(stream.on_device, stream.missing) for stream in report.streams] == [(4, []), (3, []), (0, [(2, 4)])]


def test_account_of_a_stream_only_the_heartbeat_knows_counts_it_as_produced() -> None:
    report = account([], heartbeat(NEW, 0, [held(OLD, 4, 9)]))
    assert (report.produced, report.on_device, report.missing) == (9, 6, 3)


def test_account_of_settled_beyond_held_stops_at_what_is_settled() -> None:
    report = account([row(NEW, [(1, 2), (5, 9)], 9)], heartbeat(NEW, 9, [held(NEW, 3, 7)]))
    assert (report.on_device, report.missing, report.archived) == (2, 0, 7)


def test_account_of_a_heartbeat_without_figures_leaves_every_unsettled_number_missing() -> None:
    report = account([row(NEW, [(1, 2)], 4)], Heartbeat(client_id="D1", status="OFFLINE"))
    assert (report.missing, report.streams[0].missing) == (2, [(3, 4)])


FATES = st.lists(st.sampled_from(["archived", "rejected", "lost", "open"]), max_size=12)
HELD = st.none() | st.tuples(st.integers(1, 15), st.integers(1, 15)).map(lambda pair: tuple(sorted(pair)))


@given(
    fates=st.tuples(FATES, FATES, FATES),
    holds=st.tuples(HELD, HELD, HELD),
    current=st.sampled_from([None, *STREAMS]),
    last=st.integers(0, 15),
    older=st.sampled_from([None, *STREAMS]),
)
def test_account_of_any_ledger_and_heartbeat_equals_the_set_model(fates, holds, current, last, older) -> None:  # type: ignore[no-untyped-def]
    ledger = [_ledger_row(stream, fate) for stream, fate in zip(STREAMS, fates, strict=True) if fate]
    beat = heartbeat(
        current,
        last,
        [held(stream, *span) for stream, span in zip(STREAMS, holds, strict=True) if span],
        held_older=HeldOlder(newest=str(older), streams=1, count=1) if older else None,
    )
    report = account(ledger, beat)
    by_stream = {entry.stream: entry for entry in report.streams}
    for stream, fate, span in zip(STREAMS, fates, holds, strict=True):
        top = max(len(fate), span[1] if span else 0, last if stream == current else 0)
        open_numbers = {n for n in range(1, top + 1) if n > len(fate) or fate[n - 1] == "open"}
        kept = set(range(span[0], span[1] + 1)) if span else set()
        on_device = open_numbers if older and stream <= older else open_numbers & kept
        missing = {n for n in open_numbers - on_device if stream != current or n <= last}
        entry = by_stream.get(stream)
        assert (entry.last if entry else 0) == top
        if entry:
            assert entry.archived == fate.count("archived")
            assert (entry.rejected, entry.declared_lost) == (fate.count("rejected"), fate.count("lost"))
            assert entry.on_device == len(on_device)
            assert entry.missing == numbers.from_numbers(missing)
    assert report.missing == sum(numbers.count(entry.missing) for entry in report.streams)


def _ledger_row(stream: UUID, fates: list[str]) -> LedgerRow:
    def where(*wanted: str) -> numbers.Ranges:
        return numbers.from_numbers(n for n, fate in enumerate(fates, start=1) if fate in wanted)

    settled = where("archived", "rejected", "lost")
    return row(stream, settled, len(fates), where("rejected"), where("lost"))
