"""
Serves the exported dashboard at ``/``; knows nothing of the API, which has routes of its own.

Read next: ``assets`` (what is served), ``security_headers`` (what every answer carries).
"""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Controller, Request, Response, route
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from .assets import Asset, Dashboard

_OURS = ("/api/", "/.well-known/")
_FRESH = {"cache-control": "no-store"}
_NOT_BUILT = b"""<!doctype html><html lang="en"><meta charset="utf-8"><title>PrecisionPulse</title>
<h1>The dashboard has not been built</h1>
<p>The API runs, but there are no pages to show. In the project's folder, run <code>make run</code>, or build the pages
alone with <code>cd dashboard &amp;&amp; npm ci &amp;&amp; npm run build</code>. This page then shows the dashboard.</p>
</html>
"""


class DashboardController(Controller):
    """The pages, their scripts and styles."""

    include_in_schema = False

    @route(["/", "/{path:path}"], http_method=["GET", "HEAD"], opt={"public": True})
    async def serve(
        self, request: Request[Any, Any, Any], dashboard: NamedDependency[Dashboard], path: FromPath[str] = "/"
    ) -> Response[bytes]:
        """Answer with a file of the build, its page for unknown paths, or a page that says that there is no build."""
        if f"{path}/".startswith(_OURS):
            raise NotFoundException(f"{path} is not there")
        # In a thread: a new build is read from disk, and a file is packed when it is first asked for.
        return await asyncio.to_thread(_find, request, dashboard, path)


def _find(request: Request[Any, Any, Any], dashboard: Dashboard, path: str) -> Response[bytes]:
    table = dashboard.table
    if not table.files:
        return Response(_NOT_BUILT, status_code=503, media_type="text/html", headers=_FRESH)
    asset = table.find(path)
    if asset is not None:
        return _answer(request, asset, 200)
    if table.not_found is not None:
        return _answer(request, table.not_found, 404)
    raise NotFoundException(f"{path} is not there")


def _answer(request: Request[Any, Any, Any], asset: Asset, status: int) -> Response[bytes]:
    headers = {"cache-control": asset.cache_control, "etag": asset.etag, "vary": "accept-encoding"}
    if status == 200 and asset.etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, media_type=asset.media_type, headers=headers)
    packed = asset.gzipped if "gzip" in request.headers.get("accept-encoding", "") else None
    if packed is not None:
        headers["content-encoding"] = "gzip"
    return Response(packed or asset.content, status_code=status, media_type=asset.media_type, headers=headers)
