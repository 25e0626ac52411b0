"""The three cards at the top: the connection, the current value in large type, the buffer."""

from __future__ import annotations

from datetime import UTC, datetime

from PySide6.QtCore import QRect, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from .. import words
from ..snapshot import Buffer, Snapshot
from ..theme.style import present, role, tabular
from .lamp import LampDot
from .plain import plain, plain_tip

LEAST_PX, MOST_PX = 30, 96
VALUE_PX = 56  # that the value has at least, however low the window is
LOW_PX = 560  # in a window lower than that, what a state means needs the room of its caption


class Card(QFrame):
    """A card with a caption; ``body`` takes what it shows."""

    def __init__(self, caption: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        role(self, "card")
        self.head = QHBoxLayout()
        self.caption = role(QLabel(caption), "caption")
        self.head.addWidget(self.caption, 1)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(14, 10, 14, 12)
        self.body.setSpacing(4)
        self.body.addLayout(self.head)


class StateCard(Card):
    """
    The lamp with its state, what that means and which link is missing, and the last sync.

    ``last_sync_left_out``: the last sync, for another place, when there is no room for it here; else an empty text.
    """

    last_sync_left_out = Signal(str)

    def __init__(self) -> None:
        super().__init__("Connection")
        self.lamp = LampDot()
        self.title = role(QLabel(), "title")
        self.meaning = role(plain(), "muted")
        self.meaning.setWordWrap(True)
        self.meaning.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.meaning.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Ignored)
        self.last_sync = role(QLabel(), "faint")
        self._explanations: tuple[str, ...] = ("",)  # what the state means, the fullest first
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.lamp)
        row.addWidget(self.title, 1)
        self.body.addLayout(row)
        self.body.addWidget(self.meaning, 1)
        self.body.addWidget(self.last_sync)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Leave out what takes the room that what the state means needs."""
        super().resizeEvent(event)
        self.caption.setVisible(self.window().height() >= LOW_PX)
        self._fit()

    def show_snapshot(self, now: Snapshot) -> None:
        """Show the state of *now*."""
        self.lamp.show_state(now.lamp)
        _put(self.title, words.TITLES[now.lamp])
        _style(self.title, f"color: {present().of(now.lamp)}")
        self._explanations = words.explanations(now)
        self.meaning.setToolTip(plain_tip(now.link_detail))
        _put(self.last_sync, f"Last sync  {words.clock_time(now.last_sync_at, datetime.now(UTC))}")
        link = f"Link: {words.LINK_NAMES[now.link]}. {now.link_detail}".strip()
        synced = words.whole_time(now.last_sync_at) if now.last_sync_at else "never"
        self.setToolTip(plain_tip(f"{link}\nLast sync  {synced}"))
        self._fit()

    def _fit(self) -> None:
        """Say of the state as much as there is room for beside the last sync, which goes where that is too little."""
        self.body.activate()
        room = self.body.contentsRect().bottom() + 1 - self.meaning.y()
        beside = room - self.last_sync.sizeHint().height() - self.body.spacing()
        text = self._fullest(beside)
        self.last_sync.setVisible(text is not None)
        _put(self.meaning, text or self._fullest(room) or self._begun(self._explanations[-1], room))
        self.last_sync_left_out.emit("" if text is not None else self.last_sync.text())

    def _fullest(self, room: int) -> str | None:
        """Return the fullest explanation that there is *room* for."""
        return next((one for one in self._explanations if _height(self.meaning, one) <= room), None)

    def _begun(self, text: str, room: int) -> str:
        """Return as many words of *text* as there is *room* for."""
        parts = text.split()
        shorter = (f"{' '.join(parts[:count])} \u2026" for count in range(len(parts) - 1, 0, -1))
        return next((one for one in shorter if _height(self.meaning, one) <= room), text)


class ValueCard(Card):
    """The current value of one metric; ``metric_chosen`` when a person switches it."""

    metric_chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__("Current value")
        self._names: list[str] = []
        self.metrics = QComboBox()
        self.metrics.setAccessibleName("metric")
        self.metrics.setMinimumContentsLength(14)
        self.metrics.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.metrics.textActivated.connect(self.metric_chosen)
        self.head.addWidget(self.metrics)
        self.value = QLabel("\u2013")
        self.value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.value.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.value.setMinimumHeight(VALUE_PX)
        self.under = role(QLabel(), "faint")
        self.under.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._about: tuple[str, ...] = ()  # the value, in the order in which people need it
        self.body.addWidget(self.value, 1)
        self.body.addWidget(self.under)

    @property
    def chosen(self) -> str:
        """The metric that is chosen; empty when there is none."""
        return self.metrics.currentText()

    def show_snapshot(self, now: Snapshot) -> None:
        """Show the newest value of the chosen metric."""
        self._show_names(list(now.latest))
        value = now.latest.get(self.chosen)
        text = words.value_text(value)
        if text != self.value.text():
            self.value.setText(text)
            self._fit()
            self.value.setToolTip("" if value is None else words.exact_text(value))
        kind = "" if value is None else words.type_name(value)
        measured = now.recorded_at.get(self.chosen)
        at = words.clock_time(measured, datetime.now(UTC)) if measured else "\u2013"
        self._about = (f"measured {at}", kind)
        self._fit_about()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Let the value fill its place, and leave out what has none."""
        super().resizeEvent(event)
        head = self.caption.sizeHint().width() + self.head.spacing() + self.metrics.minimumSizeHint().width()
        self.caption.setVisible(head <= self.body.contentsRect().width())
        self._fit()
        self._fit_about()

    def _fit_about(self) -> None:
        """Say of the value as much as there is room for; all of it is in the tooltip."""
        texts = ["  \u00b7  ".join(filter(None, self._about[:count])) for count in range(len(self._about), 0, -1)]
        if not texts:
            return
        metrics, room = QFontMetrics(self.under.font()), self.under.width()
        _put(self.under, next((text for text in texts if metrics.horizontalAdvance(text) <= room), texts[-1]))
        self.under.setToolTip("" if self.under.text() == texts[0] else texts[0])

    def _fit(self) -> None:
        """Choose the greatest type in which the value fits."""
        font = tabular(self.font())
        font.setWeight(font.Weight.DemiBold)
        room = self.value.size()
        size = max(LEAST_PX, min(MOST_PX, int(room.height() * 0.86)))
        font.setPixelSize(size)
        wide = QFontMetrics(font).horizontalAdvance(self.value.text())
        if wide > room.width() > 0:
            size = max(16, int(size * room.width() / wide) - 1)
        # The sheet's font goes before a widget's, so the size is said in the sheet.
        _style(self.value, f"font-size: {size}px; font-weight: 600;")

    def _show_names(self, names: list[str]) -> None:
        if names == self._names:
            return
        self._names = names
        before = self.chosen
        blocker = QSignalBlocker(self.metrics)
        self.metrics.clear()
        self.metrics.addItems(names)
        if before in names:
            self.metrics.setCurrentText(before)
        blocker.unblock()
        if self.chosen and self.chosen != before:
            self.metric_chosen.emit(self.chosen)


class BufferCard(Card):
    """
    Buffered records, hours of room left, and the progress of a flush with the time left.

    Also the last sync, when the connection's card has no room for it. It never makes this card higher: the other one
    would be as high, have room for it again, and the two would pass it to and fro.
    """

    def __init__(self) -> None:
        super().__init__("Buffered records")
        self.count = role(QLabel("0"), "figure")
        self.room = role(QLabel(), "muted")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1_000)
        self.under = role(QLabel(), "faint")
        self.under.setWordWrap(True)
        self.last_sync = role(QLabel(), "faint")
        self.last_sync.setWordWrap(True)
        self.last_sync.setAlignment(Qt.AlignmentFlag.AlignBottom)
        self.last_sync.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.body.addWidget(self.count)
        self.body.addWidget(self.room)
        self.body.addWidget(self.last_sync, 1)
        self.body.addWidget(self.progress)
        self.body.addWidget(self.under)

    def show_buffer(self, buffer: Buffer | None) -> None:
        """Show the figures of *buffer*; ``None``: they are not known."""
        syncing = buffer is not None and buffer.progress is not None
        self.progress.setVisible(syncing)
        if buffer is None:
            _put(self.count, "\u2013")
            _put(self.room, "")
            _put(self.under, "not known")
        else:
            _put(self.count, words.grouped(buffer.held))
            _put(self.room, words.room(buffer.room_h))
            if buffer.progress is not None:
                self.progress.setValue(int(1_000 * buffer.progress))
            _put(self.under, _flush_text(buffer) if syncing else _rest_text(buffer))
        self._fit()

    def show_last_sync(self, text: str) -> None:
        """Show the last sync; an empty text: it is shown elsewhere."""
        _put(self.last_sync, text)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Leave out what takes the room of the last sync."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Leave the line at the bottom to the tooltip where it and the last sync have no room together."""
        inside = self.contentsRect().marginsRemoved(self.body.contentsMargins())
        shown = [self.caption, self.count, self.room, *([] if self.progress.isHidden() else [self.progress])]
        lines = [one.sizeHint().height() for one in shown]
        lines += [_height(one, one.text(), inside.width()) for one in (self.last_sync, self.under)]
        fits = sum(lines) + (len(lines) - 1) * self.body.spacing() <= inside.height()
        self.under.setVisible(fits or not self.last_sync.text())
        self.setToolTip(self.under.text() if self.under.isHidden() else "")


def _flush_text(buffer: Buffer) -> str:
    done = f"{100 * (buffer.progress or 0):.0f} % sent"
    return done if buffer.left_s is None else f"{done}  \u00b7  {words.duration(buffer.left_s)} left"


def _rest_text(buffer: Buffer) -> str:
    parts = [f"{words.grouped(buffer.sent)} sent, unconfirmed"] if buffer.sent else []
    parts += [f"{words.grouped(buffer.quarantined)} rejected"] if buffer.quarantined else []
    parts += [f"{words.grouped(buffer.lost)} given up"] if buffer.lost else []
    return "  \u00b7  ".join(parts) or f"{buffer.used_pct:.1f} % of the buffer used"


def _height(label: QLabel, text: str, width: int | None = None) -> int:
    """Return how high *text* is in *label*, broken into lines of *width* px, of the label's own unless it is given."""
    box = QRect(0, 0, label.width() if width is None else width, 0)
    return QFontMetrics(label.font()).boundingRect(box, Qt.TextFlag.TextWordWrap, text).height()


def _put(label: QLabel, text: str) -> None:
    """Set a text only when it differs: an unchanged one costs a layout, too."""
    if label.text() != text:
        label.setText(text)


def _style(label: QLabel, sheet: str) -> None:
    """Set a sheet only when it differs: Qt works all of it out anew each time."""
    if label.styleSheet() != sheet:
        label.setStyleSheet(sheet)
