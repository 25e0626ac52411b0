"""
Foreign text made fit to be stored and shown: no NUL, no lone surrogate, no control character, bounded.

Pure. PostgreSQL refuses NUL in text and jsonb and takes only UTF-8; a log line must stay one line.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

EXCERPT_BYTES = 2_048
REASON_CHARS = 300
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_ESCAPES = re.compile(
    rb"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)


def excerpt_of(payload: bytes) -> str:
    """Return the beginning of *payload* as printable text of at most 2,048 bytes in UTF-8."""
    text = _UNPRINTABLE.sub(_REPLACEMENT, payload[:EXCERPT_BYTES].decode("utf-8", errors="replace"))
    return text.encode()[:EXCERPT_BYTES].decode("utf-8", errors="ignore")


def one_line(text: str) -> str:
    """Return *text* as one printable line of at most 300 characters."""
    return _UNPRINTABLE.sub(_REPLACEMENT, text)[:REASON_CHARS]


def storable(text: str) -> str:
    """Return *text* without what PostgreSQL's text cannot hold."""
    return _UNSTORABLE.sub(_REPLACEMENT, text)


def storable_json(encoded: bytes) -> str:
    r"""Return the JSON *encoded*, made by msgspec, without ``\u0000``, which jsonb cannot hold."""
    if rb"\u0000" not in encoded:
        return encoded.decode()
    return msgspec.json.encode(_clean(msgspec.json.decode(encoded))).decode()


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_clean(entry) for entry in value]
    if isinstance(value, dict):
        return {storable(key): _clean(entry) for key, entry in value.items()}
    return value


def without_lone_surrogates(encoded: bytes) -> bytes:
    r"""Return the JSON *encoded* with each escaped surrogate that has no partner replaced by ``\ufffd``."""
    return _ESCAPES.sub(lambda found: rb"\ufffd" if found.group(2) else found.group(), encoded)
