"""The published descriptions keep to the standards that they name, and say what the running parts say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from pulse_acl.payloads import PAYLOADS, decode

from .__main__ import ROOT

SPECS = Path(__file__).parent / "tools" / "node_modules" / "@asyncapi" / "specs" / "schemas"


@pytest.fixture(scope="module")
def asyncapi() -> dict[str, Any]:
    return _read("asyncapi.yaml")


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    return _read("openapi.yaml")


def _read(name: str) -> dict[str, Any]:
    found = yaml.safe_load((ROOT / "docs" / name).read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def asyncapi_faults(document: dict[str, Any]) -> list[str]:
    """Return what AsyncAPI's own schema has against *document*."""
    assert SPECS.is_dir(), "AsyncAPI's schema is missing: python3 requirements/install.py documents"
    schema = json.loads((SPECS / "3.0.0.json").read_text(encoding="utf-8"))
    return [f"{error.json_path}: {error.message[:200]}" for error in Draft7Validator(schema).iter_errors(document)]


def openapi_faults(document: dict[str, Any]) -> list[str]:
    """Return what the OpenAPI 3.1 schema has against *document*."""
    return [error.message[:200] for error in OpenAPIV31SpecValidator(document).iter_errors()]


def test_asyncapi_document_is_valid(asyncapi: dict[str, Any]):
    assert asyncapi_faults(asyncapi) == []


def test_asyncapi_fault_is_noticed(asyncapi: dict[str, Any]):
    assert asyncapi_faults({**asyncapi, "operations": {"broken": {"action": "shout"}}})
    assert asyncapi_faults({name: part for name, part in asyncapi.items() if name != "info"})


def test_asyncapi_examples_are_taken_by_the_decoder(asyncapi: dict[str, Any]):
    messages = asyncapi["components"]["messages"]
    assert messages.keys() == PAYLOADS.keys()
    for name, kind in PAYLOADS.items():
        decode(kind, json.dumps(messages[name]["examples"][0]["payload"]).encode())


def test_openapi_document_is_valid(openapi: dict[str, Any]):
    assert openapi_faults(openapi) == []


def test_openapi_fault_is_noticed(openapi: dict[str, Any]):
    assert openapi_faults({**openapi, "paths": {"users": {}}})
    assert openapi_faults({name: part for name, part in openapi.items() if name != "info"})
