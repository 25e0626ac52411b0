"""
The examples of every payload, judged by our decoder and by ``jsonschema`` with the generated schemas.

Where JSON Schema cannot say what the decoder says, ``differences.json`` lists the case. The same examples are judged by
the TypeScript validators in the dashboard's own tests.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pulse_acl.payloads import PAYLOADS, ContractError, decode, encode
from support.decision_cases import CASES_DIR

EXAMPLES_DIR = CASES_DIR / "examples"
SCHEMAS_DIR = CASES_DIR.parent / "generated" / "json-schema"
DIFFERENCES: dict[str, Any] = json.loads((EXAMPLES_DIR / "differences.json").read_text(encoding="utf-8"))
EXAMPLES = sorted(EXAMPLES_DIR.glob("*/*/*.json"))


def _name(path: Path) -> str:
    return path.relative_to(EXAMPLES_DIR).as_posix()


def _is_valid(path: Path) -> bool:
    return path.parent.name == "valid"


def _by_decoder(path: Path) -> bool:
    try:
        decode(PAYLOADS[path.parts[-3]], path.read_bytes())
    except ContractError:
        return False
    return True


def _by_schema(path: Path) -> bool:
    schema = json.loads((SCHEMAS_DIR / f"{path.parts[-3]}.schema.json").read_text(encoding="utf-8"))
    try:
        value = json.loads(path.read_bytes())
    except ValueError:
        return False
    return bool(Draft202012Validator(schema).is_valid(value))


@pytest.mark.parametrize("path", EXAMPLES, ids=_name)
def test_decoder_judges_example_by_its_folder(path: Path) -> None:
    assert _by_decoder(path) is _is_valid(path)


@pytest.mark.parametrize("path", EXAMPLES, ids=_name)
def test_json_schema_judges_example_alike_or_difference_is_listed(path: Path) -> None:
    expected = _is_valid(path) or _name(path) in DIFFERENCES["json_schema_accepts"]
    assert _by_schema(path) is expected


@pytest.mark.parametrize("path", [path for path in EXAMPLES if _is_valid(path)], ids=_name)
def test_valid_example_written_again_reads_the_same(path: Path) -> None:
    kind = PAYLOADS[path.parts[-3]]
    found = decode(kind, path.read_bytes())
    assert decode(kind, encode(found)) == found


@pytest.mark.parametrize("name", PAYLOADS)
def test_schema_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(json.loads((SCHEMAS_DIR / f"{name}.schema.json").read_text(encoding="utf-8")))


def test_examples_every_payload_has_both_kinds() -> None:
    assert {(path.parts[-3], path.parts[-2]) for path in EXAMPLES} == {
        (name, kind) for name in PAYLOADS for kind in ("valid", "invalid")
    }


def test_differences_name_existing_examples_of_the_right_kind() -> None:
    names = {_name(path) for path in EXAMPLES}
    for reader, kind in (
        ("json_schema_accepts", "invalid"),
        ("typescript_refuses", "valid"),
        ("typescript_accepts", "invalid"),
    ):
        assert {name for name in DIFFERENCES[reader] if name not in names or f"/{kind}/" not in name} == set()
