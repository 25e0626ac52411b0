"""
The OpenAPI document at ``/api/schema`` and a page to browse it at ``/api/docs``.

Litestar's own pages load their scripts from elsewhere; this one is plain HTML made here, without scripts.
"""

from __future__ import annotations

import json
from html import escape
from typing import Any

from litestar import Request, Router
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Tag

from .openapi_document import completed

_METHODS = ("get", "post", "put", "patch", "delete")
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { background: #8881; padding: .75rem; overflow-x: auto; }
summary { cursor: pointer; padding: .25rem 0; }
.method { display: inline-block; min-width: 4.5rem; font-weight: 700; text-transform: uppercase; }
@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd; } a { color: #8cf; } }
"""


class Document(JsonRenderPlugin):
    """Renders the completed document as JSON."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the document."""
        return super().render(request, completed(openapi_schema, request.app))


class OfflinePage(OpenAPIRenderPlugin):
    """Renders the document as one page, grouped by tags."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """Return the page."""
        document = json.loads(self.render_json(request, completed(openapi_schema, request.app)))
        tags = [tag["name"] for tag in document.get("tags", [])]
        groups = "".join(f"<h2>{escape(tag)}</h2>{_operations(document, tag)}" for tag in tags)
        schemas = document.get("components", {}).get("schemas", {})
        bodies = "".join(_details(f"<code>{escape(name)}</code>", body, name) for name, body in sorted(schemas.items()))
        title = escape(document["info"]["title"])
        page = (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
            f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style>'
            f"<h1>{title} <small>{escape(document['info']['version'])}</small></h1>"
            f'<p>{escape(document["info"].get("description", ""))} <a href="/api/schema">OpenAPI document</a></p>'
            f"{groups}<h2>Bodies</h2>{bodies}</html>"
        )
        return page.encode()


def openapi_config(version: str) -> OpenAPIConfig:
    """Return the configuration for the application."""
    return OpenAPIConfig(
        title="PrecisionPulse API",
        version=version,
        description=(
            "People, roles, settings, tokens, devices, telemetry. "
            "Readings come in over MQTT only: see the AsyncAPI document."
        ),
        tags=[Tag("Auth"), Tag("Admin"), Tag("Devices"), Tag("Telemetry")],
        components=Components(
            security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")}
        ),
        security=[{"bearer": []}],
        use_handler_docstrings=True,
        render_plugins=[Document(path="/schema"), OfflinePage(path="/docs")],
        openapi_router=Router("/api", route_handlers=[], opt={"public": True}, include_in_schema=False),
    )


def _operations(document: dict[str, Any], tag: str) -> str:
    found = []
    for path, item in sorted(document.get("paths", {}).items()):
        for method in _METHODS:
            operation = item.get(method)
            if operation is not None and tag in operation.get("tags", []):
                words = escape(operation.get("description") or operation.get("summary") or "")
                line = f'<span class="method">{method}</span><code>{escape(path)}</code> {words}'
                shown = {key: operation[key] for key in ("parameters", "requestBody", "responses") if key in operation}
                found.append(_details(line, shown, ""))
    return "".join(found)


def _details(summary: str, content: Any, anchor: str) -> str:
    identity = f' id="{escape(anchor)}"' if anchor else ""
    return (
        f"<details{identity}><summary>{summary}</summary><pre>{escape(json.dumps(content, indent=2))}</pre></details>"
    )
