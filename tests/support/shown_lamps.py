"""Which state of the lamp a picture of the window shows, by the theme's own colours and wherever they are."""

from __future__ import annotations

from PySide6.QtGui import QImage

from pulse_desktop.ui.snapshot import Lamp
from pulse_desktop.ui.theme.colours import BY_NAME
from support.x_windows import shown_picture

_RGB = 0xFF_FF_FF


def shown_lamps(screen: str) -> set[Lamp]:
    """
    Return the states whose colour the X server at *screen* (a value of DISPLAY) shows now; none without a window.

    Of online and disconnected the lamp has one only. A banner may add the colour of another state but online.
    """
    return lamps_in(shown_picture(screen))


def lamps_in(picture: QImage) -> set[Lamp]:
    """Return the states whose colour stands somewhere in *picture*, in the theme whose ground does."""
    whole = picture.convertToFormat(QImage.Format.Format_RGB32)
    colours = {f"#{pixel & _RGB:06x}" for pixel in set(memoryview(whole.constBits()).cast("I"))}
    themes = [theme for theme in BY_NAME.values() if theme.bg in colours]
    return {lamp for theme in themes for lamp in Lamp if theme.of(lamp) in colours}
