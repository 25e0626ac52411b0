"""
``acl.conf`` for EMQX: the rules that hold for everybody, whatever a token says nothing about.

Nobody's rights stand there, as rights travel in tokens. EMQX asks the file only when no rule of the token
matched, which its closing ``deny #`` leaves to topics that begin with ``$`` and to tokens without a claim.
So every line here denies; the named ones say what must stay closed should anybody ever add an allow.
"""

from __future__ import annotations

from ..topics import TOPICS
from .header import hash_header


def acl_conf() -> str:
    """Return the whole file; its last rule denies everything."""
    attested = [str(row.topic) for row in TOPICS if row.sender == "broker"]
    return "\n".join(
        [
            hash_header("%%").rstrip("\n"),
            "%% Rights are in the tokens' acl claim, not here: every rule below denies, and the last one everything.",
            "",
            "%% Only the broker's own rule publishes here; it attests who sent which command.",
            *(f'{{deny, all, publish, ["{topic}"]}}.' for topic in attested),
            "",
            "%% The broker's own figures, and messages that the broker would hold back and send later.",
            '{deny, all, all, ["$SYS/#", "$delayed/#"]}.',
            "",
            "{deny, all}.",
            "",
        ]
    )
