"""Makes damaged payloads out of good and bad examples: what a generator from nothing hardly ever finds."""

from __future__ import annotations

import os
from collections.abc import Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# What parsers stumble over: bounds of numbers, odd text, nesting, words that JSON does not have.
TOKENS = (
    b"null", b"true", b'""', b"{}", b"[]", b"-0", b"0.0", b"1e400", b"-1e400", b"1e-400", b"NaN", b"Infinity",
    b"9223372036854775807", b"9223372036854775808", b"-9223372036854775809", b"1" * 400, b"00", b'"\\u0000"',
    b'"\\ud800"', b"\xff\xfe", b"\xed\xa0\x80", b"\x00", b"[" * 2_000, b'{"a":' * 1_000, b'"' + b"a" * 3_000 + b'"',
    b'"2026-02-30T10:00:00Z"', b'"9999-12-31T23:59:59.999Z"', b'"0001-01-01T00:00:00+14:00"', b",", b":", b"}", b"]",
)  # fmt: skip
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "250"))
FUZZED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    derandomize="FUZZ_EXAMPLES" not in os.environ,
)


@st.composite
def damaged(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """Return one of *seeds* after up to six edits: pieces cut out, repeated, or replaced by a token or by noise."""
    data = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        piece = draw(st.sampled_from(TOKENS) | st.binary(max_size=8) | st.just(data[start:end] * 2))
        data = data[:start] + piece + data[end:]
    return data
