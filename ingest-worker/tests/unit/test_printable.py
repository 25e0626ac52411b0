"""Foreign text made storable."""

import json

from hypothesis import given
from hypothesis import strategies as st

from pulse_ingest.printable import excerpt_of, one_line, storable, storable_json, without_lone_surrogates


@given(st.binary(max_size=3_000))
def test_excerpt_of_any_bytes_is_bounded_and_printable(payload: bytes) -> None:
    found = excerpt_of(payload)
    assert len(found.encode()) <= 2_048
    assert "\x00" not in found
    assert "\n" not in found


def test_one_line_long_text_with_line_feeds_is_one_short_line() -> None:
    found = one_line("a\nb\ud800" * 1_000)
    assert len(found) == 300
    assert found.encode()
    assert "\n" not in found


def test_storable_json_nul_anywhere_is_replaced_and_numbers_stay_exact() -> None:
    encoded = json.dumps({"k\x00": ["\x00", {"n": 2**63 - 1, "d": 72.0}]}).encode()
    found = storable_json(encoded)
    assert "\\u0000" not in found
    assert json.loads(found) == {"k\ufffd": ["\ufffd", {"n": 2**63 - 1, "d": 72.0}]}
    assert ".0" in found


def test_storable_json_escaped_backslash_before_u0000_is_no_nul() -> None:
    encoded = json.dumps({"k": "\\u0000"}).encode()
    assert json.loads(storable_json(encoded)) == {"k": "\\u0000"}


def test_storable_text_loses_only_what_cannot_be_stored() -> None:
    assert storable("a\nä\x00\udfff") == "a\nä\ufffd\ufffd"


@given(st.text(st.characters() | st.sampled_from("\ud800\udbff\udc00\udfff\\u")))
def test_without_lone_surrogates_any_text_is_encodable_and_else_unchanged(text: str) -> None:
    found = json.loads(without_lone_surrogates(json.dumps(text).encode()))
    # What Python's own codec pairs up or finds alone.
    assert found == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
