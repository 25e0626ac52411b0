"""A recording of what a page shows, as an animated picture that any browser plays. Used for the demo of the docs."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page

from support.waiting import until

FRAME_EVERY_S = 0.5
LONGEST_STILL_MS = 1_500


class Recording:
    """
    Frames of *page* from the start on, at most one each half second, *width* pixels wide.

    Chromium sends a frame only when something moved, so that waiting costs nothing; a still stretch is cut short.
    """

    def __init__(self, page: Page, width: int = 960, height: int = 600) -> None:
        self._page = page
        self._frames: list[tuple[float, bytes]] = []
        self._client = page.context.new_cdp_session(page)
        self._client.on("Page.screencastFrame", self._take)
        bounds = {"format": "jpeg", "quality": 80, "maxWidth": width, "maxHeight": height}
        self._client.send("Page.startScreencast", bounds)

    def _take(self, frame: dict[str, Any]) -> None:
        self._client.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]})
        at = frame["metadata"]["timestamp"]
        if not self._frames or at - self._frames[-1][0] >= FRAME_EVERY_S:
            self._frames.append((at, base64.b64decode(frame["data"])))

    def until(self, condition: Callable[[], bool], *, within_s: float, what: str) -> None:
        """Wait for *condition* as ``waiting.until`` does, and take frames meanwhile."""

        def looked_at() -> bool:
            self._page.wait_for_timeout(50)  # frames arrive while Playwright is at work only
            return condition()

        until(looked_at, within_s=within_s, what=what)

    def save(self, file: Path) -> int:
        """Write what was recorded to *file* (WebP); return the number of frames."""
        self._client.send("Page.stopScreencast")
        times = [at for at, _ in self._frames]
        lengths = [int(1000 * (after - at)) for at, after in zip(times, [*times[1:], times[-1] + 2], strict=True)]
        pictures = [Image.open(io.BytesIO(data)) for _, data in self._frames]
        pictures[0].save(
            file,
            save_all=True,
            append_images=pictures[1:],
            duration=[min(each, LONGEST_STILL_MS) for each in lengths],
            loop=0,
            quality=55,
            method=4,
        )
        return len(pictures)
