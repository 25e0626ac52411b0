"""``/healthz``, ``/readyz`` and ``/metrics``, outside the API's prefix; for machines, not for people."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException

from ...http.metrics import CONTENT_TYPE, Metrics
from .checks import Readiness

_PUBLIC = {"public": True}


@get("/healthz", opt=_PUBLIC, include_in_schema=False, sync_to_thread=False)
def healthz() -> dict[str, str]:
    """Answer that the process is alive."""
    return {"status": "ok"}


@get("/readyz", opt=_PUBLIC, include_in_schema=False)
async def readyz(readiness: NamedDependency[Readiness]) -> Response[dict[str, Any]]:
    """Answer 200 when requests can be served, else 503, with every check named."""
    ready, checks = await readiness.ask()
    body = {"status": "ready" if ready else "not ready", "checks": checks}
    return Response(body, status_code=200 if ready else 503)


@get("/metrics", opt=_PUBLIC, include_in_schema=False, sync_to_thread=False)
def metrics_text(request: Request[Any, Any, Any], metrics: NamedDependency[Metrics]) -> Response[bytes]:
    """Answer with the metrics in Prometheus' text format; not to those who come through the TLS edge from outside."""
    if "x-forwarded-for" in request.headers:
        raise NotFoundException
    return Response(metrics.text(), media_type=CONTENT_TYPE)
