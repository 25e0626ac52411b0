"""
What becomes of each sequence number: the rules of the ledger, for one stream and one transaction.

Pure: sets in, sets out. ``settled`` holds every number with a fate; ``rejected`` and ``lost`` are disjoint parts
of it, and what is in neither is archived. Archived beats rejected beats lost, whatever the order of arrival, so
a later, better copy moves a number up and never down. Read next: ``writer`` (reads and updates the rows),
``receipts`` (tells the device).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from pulse_acl.ranges import Ranges, contains, difference, from_numbers, intersection, union


@dataclass(frozen=True, slots=True)
class Account:
    """What the ledger holds of one stream, or a window of it."""

    settled: Ranges = field(default_factory=list)
    rejected: Ranges = field(default_factory=list)
    lost: Ranges = field(default_factory=list)

    @property
    def archived(self) -> Ranges:
        """The numbers whose readings are in the archive."""
        return difference(difference(self.settled, self.rejected), self.lost)

    def within(self, numbers: Ranges) -> Account:
        """Return the account of *numbers* alone."""
        return Account(
            intersection(self.settled, numbers),
            intersection(self.rejected, numbers),
            intersection(self.lost, numbers),
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """
    What a batch says of one stream.

    ``valid`` and ``faulty``: numbers of readings that keep or break the contract, repeats included;
    ``lost``: what the device gave up.
    """

    valid: Sequence[int] = ()
    faulty: Sequence[int] = ()
    lost: Ranges = field(default_factory=list)

    @property
    def named(self) -> Ranges:
        """Every number that the batch speaks of; its receipt must name them all."""
        return union(from_numbers(self.valid), from_numbers(self.faulty), self.lost)

    @property
    def highest(self) -> int:
        """The highest number spoken of, 0 when there is none."""
        return max(max(self.valid, default=0), max(self.faulty, default=0), max((b for _, b in self.lost), default=0))


@dataclass(frozen=True, slots=True)
class Settlement:
    """
    The outcome for one stream: what to store, and by how much its ledger row changes.

    ``archive``: numbers to store now, each once; ``reject``: numbers that get a reject row now; ``superseded``:
    numbers whose reject row is no longer the last word; ``*_added`` and ``*_removed``: changes of the row's sets;
    ``after``: the account of the window once all of it is done.
    """

    archive: frozenset[int]
    reject: frozenset[int]
    superseded: Ranges
    lost_added: Ranges
    lost_removed: Ranges
    duplicates: int
    after: Account

    @property
    def settled_added(self) -> Ranges:
        """The numbers that have a fate now; some of them had one before."""
        return union(from_numbers(self.archive), from_numbers(self.reject), self.lost_added)


def settle(before: Account, claim: Claim) -> Settlement:
    """
    Decide the fate of every number in *claim*.

    Args:
        before: The stream's account as locked in the ledger; at least the window that *claim* names.
        claim: What the batch says.

    Returns:
        The settlement; applying it a second time changes nothing but counts all readings as duplicates.

    Source: docs/guarantee.md, invariants L1 and L3.
    """
    archive = _without(claim.valid, before.archived)
    reject = _without(claim.faulty, difference(before.settled, before.lost)) - set(claim.valid)
    archived, rejected_now = from_numbers(archive), from_numbers(reject)
    superseded = intersection(before.rejected, archived)
    settled_now = union(archived, rejected_now)
    lost_removed = intersection(before.lost, settled_now)
    lost_added = difference(difference(claim.lost, before.settled), settled_now)
    after = Account(
        settled=union(before.settled, settled_now, lost_added),
        rejected=union(difference(before.rejected, archived), rejected_now),
        lost=union(difference(before.lost, settled_now), lost_added),
    )
    duplicates = len(claim.valid) - len(archive) + len(claim.faulty) - len(reject)
    return Settlement(frozenset(archive), frozenset(reject), superseded, lost_added, lost_removed, duplicates, after)


def _without(numbers: Collection[int], ranges: Ranges) -> set[int]:
    if not ranges:
        return set(numbers)
    return {number for number in numbers if not contains(ranges, number)}
