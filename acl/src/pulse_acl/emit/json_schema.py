"""
JSON Schema (draft 2020-12) of every payload, one document each, as msgspec derives it from the structs.

What JSON Schema cannot say is listed beside the examples in ``acl/cases/examples/differences.json``.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from ..payloads import PAYLOADS

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schemas() -> dict[str, str]:
    """Return file name → content, for example ``Reading.schema.json``."""
    return {f"{name}.schema.json": _document(name) for name in PAYLOADS}


def schema(name: str) -> dict[str, Any]:
    """
    Return the schema of the payload *name* as a JSON object.

    Raises:
        KeyError: No such payload.
    """
    derived = msgspec.json.schema(PAYLOADS[name])
    return {"$schema": _DIALECT, "$comment": "Generated from acl/; do not edit.", **derived}


def _document(name: str) -> str:
    return json.dumps(schema(name), indent=2, ensure_ascii=False) + "\n"
