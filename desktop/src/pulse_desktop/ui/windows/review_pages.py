"""What became of changes made on this device: those that were not applied, and the conflicts with both values."""

from __future__ import annotations

from pulse_sync.rights import NEEDED

from ...core.operation import Operator, People
from ...core.people.review import Outcome
from ..bridge import Asking
from ..models.people import (
    CONFLICT_HEADINGS,
    REVIEW_HEADINGS,
    Detail,
    conflict_detail,
    conflict_row,
    review_detail,
    review_row,
    said,
)
from ..widgets.listing import Listing
from .people_pages import Page
from .signed_forms import Changed, RepeatForm


class ReviewPage(Page[Outcome]):
    """Changes that were not applied, until somebody tries them again or takes them off the list."""

    def __init__(self, bridge: Asking, changed: Changed) -> None:
        listing = Listing(
            REVIEW_HEADINGS,
            wide=2,
            empty=("Nothing to review", "What the server does not apply of changes made here stands here, with why."),
        )
        super().__init__(bridge, changed, listing, "Select a change to see what was asked for and why it stands here.")
        listing.set_widths(172, 190)
        listing.sort_by(0, is_descending=True)
        self._operator = Operator()
        self.again = self.action("Try again \u2026", self.open_again)
        self.drop = self.action("Take off the list", self.take_off)

    def show_operator(self, operator: Operator) -> None:
        """Offer what *operator* may do."""
        self._operator = operator
        item = self.chosen()
        if item is not None:
            self.offer(item)

    def show_people(self, people: People) -> None:
        """Show what was not applied."""
        self.show_items({str(one.id): one for one in people.reviews}, [review_row(one) for one in people.reviews])

    def detail(self, item: Outcome) -> Detail:
        """Return all about a change."""
        return review_detail(item)

    def offer(self, item: Outcome) -> None:
        """Offer to try again what the log holds all of, to who may."""
        needed = NEEDED[item.key.kind]
        may = self._operator.may(needed)
        self.again.setEnabled(item.can_be_repeated and may)
        why = "The log keeps no passwords and makes no records: make it anew." if may else f"That needs {needed}."
        self.again.setToolTip("" if self.again.isEnabled() else why)
        self.drop.setToolTip("The sync log keeps it.")

    def open_again(self, item: Outcome) -> None:
        """Ask for the password, then try again."""
        RepeatForm(self.bridge, self.changed, item.id, said(item), self).pop_up()

    def take_off(self, item: Outcome) -> None:
        """Take a change off the list; the log keeps it."""
        operation = self.bridge.operation
        done = f"\u201c{said(item)}\u201d is off the list"
        self.bridge.ask(lambda: operation.reviewed(item.id), lambda _: self.changed(done), self.failing.emit)


class ConflictsPage(Page[Outcome]):
    """Conflicts, newest first, with both values and whose stands."""

    def __init__(self, bridge: Asking, changed: Changed) -> None:
        listing = Listing(
            CONFLICT_HEADINGS,
            wide=2,
            empty=("No conflicts", "When two sides change the same thing, both values stand here, and which one won."),
        )
        super().__init__(bridge, changed, listing, "Select a conflict to see both values.")
        listing.set_widths(172, 190)
        listing.sort_by(0, is_descending=True)

    def show_people(self, people: People) -> None:
        """Show the conflicts."""
        self.show_items({str(one.id): one for one in people.conflicts}, [conflict_row(one) for one in people.conflicts])

    def detail(self, item: Outcome) -> Detail:
        """Return both values."""
        return conflict_detail(item)
