"""
ETags and ``If-Match`` (RFC 9110): a change is made only to what its author has seen.

The tag is taken over the whole representation, so that it changes with anything that a reader could see.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from litestar.connection import ASGIConnection

from ..errors import PreconditionFailedError, PreconditionRequiredError

HEADER = "if-match"


def etag(representation: msgspec.Struct) -> str:
    """Return the strong entity tag of *representation*, with its quotes."""
    return f'"{hashlib.sha256(msgspec.json.encode(representation)).hexdigest()[:20]}"'


def required_match(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """
    Return the request's ``If-Match`` header.

    Raises:
        PreconditionRequiredError: There is none.
    """
    given = connection.headers.get(HEADER)
    if not given:
        raise PreconditionRequiredError("Send If-Match with the ETag of what you have seen.")
    return given


def check_match(given: str, representation: msgspec.Struct) -> None:
    """
    Check that the header *given* names the present *representation*; ``*`` names any.

    Raises:
        PreconditionFailedError: It was changed since it was seen; ``fields["etag"]`` is its present tag.
    """
    present = etag(representation)
    if given.strip() != "*" and present not in {one.strip() for one in given.split(",")}:
        raise PreconditionFailedError("This was changed since you have seen it; read it again.", etag=present)
