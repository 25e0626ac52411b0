"""A screen that nobody sees, its picture and its windows' titles, asked of the X server and not of the program."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
from collections.abc import Iterator
from ctypes import POINTER, Structure, byref, c_char_p, c_int, c_long, c_ubyte, c_uint, c_ulong, c_void_p, string_at
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

_VIEWABLE = 2
_ANY_TYPE = 0
_ALL_PLANES = c_ulong(-1).value
_Z_PIXMAP = 2


class _Attributes(Structure):
    """``XWindowAttributes``."""

    _fields_ = (
        *((name, c_int) for name in ("x", "y", "width", "height", "border_width", "depth")),
        ("visual", c_void_p),
        ("root", c_ulong),
        *((name, c_int) for name in ("class_", "bit_gravity", "win_gravity", "backing_store")),
        *((name, c_ulong) for name in ("backing_planes", "backing_pixel")),
        ("save_under", c_int),
        ("colormap", c_ulong),
        *((name, c_int) for name in ("map_installed", "map_state")),
        *((name, c_long) for name in ("all_event_masks", "your_event_mask", "do_not_propagate_mask")),
        ("override_redirect", c_int),
        ("screen", c_void_p),
    )


class _Image(Structure):
    """The beginning of ``XImage``."""

    _fields_ = (
        *((name, c_int) for name in ("width", "height", "xoffset", "format")),
        ("data", c_void_p),
        *((name, c_int) for name in ("byte_order", "bitmap_unit", "bitmap_bit_order", "bitmap_pad", "depth")),
        *((name, c_int) for name in ("bytes_per_line", "bits_per_pixel")),
    )


@ctypes.CFUNCTYPE(c_int, c_void_p, c_void_p)
def _ignore(_display: int, _error: int) -> int:
    return 0  # a window that has just gone; the library's own handler would end the process


class _Xlib:
    """Those calls of libX11 that are needed, with their types."""

    def __init__(self) -> None:
        self.calls = ctypes.CDLL("libX11.so.6")
        self.calls.XOpenDisplay.restype = c_void_p
        self.calls.XDefaultRootWindow.restype = self.calls.XInternAtom.restype = c_ulong
        self.calls.XDefaultRootWindow.argtypes = self.calls.XCloseDisplay.argtypes = [c_void_p]
        self.calls.XInternAtom.argtypes = [c_void_p, c_char_p, c_int]
        self.calls.XFree.argtypes = [c_void_p]
        self.calls.XGetWindowAttributes.argtypes = [c_void_p, c_ulong, POINTER(_Attributes)]
        self.calls.XQueryTree.argtypes = [
            c_void_p, c_ulong, POINTER(c_ulong), POINTER(c_ulong), POINTER(POINTER(c_ulong)), POINTER(c_uint)
        ]  # fmt: skip
        self.calls.XGetWindowProperty.argtypes = [
            c_void_p, c_ulong, c_ulong, c_long, c_long, c_int, c_ulong, POINTER(c_ulong), POINTER(c_int),
            POINTER(c_ulong), POINTER(c_ulong), POINTER(POINTER(c_ubyte))
        ]  # fmt: skip
        self.calls.XGetImage.restype = POINTER(_Image)
        self.calls.XGetImage.argtypes = [c_void_p, c_ulong, c_int, c_int, c_uint, c_uint, c_ulong, c_int]
        self.calls.XDestroyImage.argtypes = [POINTER(_Image)]
        self.calls.XSetErrorHandler.restype = c_void_p
        self.calls.XSetErrorHandler(_ignore)

    @contextlib.contextmanager
    def display(self, name: str) -> Iterator[int]:
        display = self.calls.XOpenDisplay(name.encode())
        assert display, f"no X server at {name}"
        try:
            yield display
        finally:
            self.calls.XCloseDisplay(display)

    def children(self, display: int, window: int) -> list[int]:
        root, parent, count, found = c_ulong(), c_ulong(), c_uint(), POINTER(c_ulong)()
        if not self.calls.XQueryTree(display, window, byref(root), byref(parent), byref(found), byref(count)):
            return []
        children = found[: count.value]
        self.calls.XFree(found)
        return children

    def is_shown(self, display: int, window: int) -> bool:
        attributes = _Attributes()
        answered = self.calls.XGetWindowAttributes(display, window, byref(attributes))
        return bool(answered and attributes.map_state == _VIEWABLE and min(attributes.width, attributes.height) > 1)

    def title(self, display: int, window: int) -> str:
        kind, form, length, left, data = c_ulong(), c_int(), c_ulong(), c_ulong(), POINTER(c_ubyte)()
        atom = self.calls.XInternAtom(display, b"_NET_WM_NAME", 0)
        self.calls.XGetWindowProperty(
            display, window, atom, 0, 1_024, 0, _ANY_TYPE,
            byref(kind), byref(form), byref(length), byref(left), byref(data),
        )  # fmt: skip
        if not data:
            return ""
        title = bytes(data[: length.value]).decode()
        self.calls.XFree(data)
        return title

    def picture(self, display: int, window: int) -> QImage:
        from PySide6.QtGui import QImage  # here: the benchmark measures, too, how long a window takes to import it

        attributes = _Attributes()
        assert self.calls.XGetWindowAttributes(display, window, byref(attributes)), "the window is gone"
        size = (attributes.width, attributes.height)
        taken = self.calls.XGetImage(display, window, 0, 0, *size, _ALL_PLANES, _Z_PIXMAP)
        assert taken, "the X server gives no picture"
        image = taken.contents
        data = string_at(image.data, image.bytes_per_line * image.height)
        made = QImage(data, *size, image.bytes_per_line, QImage.Format.Format_RGB32).copy()
        self.calls.XDestroyImage(taken)
        return made


@contextlib.contextmanager
def hidden_screen(size: str = "1280x800") -> Iterator[str]:
    """Start an X server that nobody sees and give the value of DISPLAY for it; it ends with the block."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{size}x24", "-nolisten", "tcp"],
        pass_fds=[writing], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(writing)
    try:
        with os.fdopen(reading) as told:
            number = told.readline().strip()
        assert number, "Xvfb has not started"
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(10)


def shown_titles(screen: str) -> list[str]:
    """Return the titles of the windows that the X server at *screen* (a value of DISPLAY) shows now; no icons."""
    xlib = _Xlib()
    with xlib.display(screen) as display:
        found, waiting = [], xlib.children(display, xlib.calls.XDefaultRootWindow(display))
        while waiting:
            window = waiting.pop()
            waiting += xlib.children(display, window)
            if xlib.is_shown(display, window) and (title := xlib.title(display, window)):
                found.append(title)
    return found


def shown_picture(screen: str) -> QImage:
    """Return what the X server at *screen* (a value of DISPLAY) shows now, all of it."""
    xlib = _Xlib()
    with xlib.display(screen) as display:
        return xlib.picture(display, xlib.calls.XDefaultRootWindow(display))
