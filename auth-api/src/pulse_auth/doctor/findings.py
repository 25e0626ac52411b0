"""What an examination finds, and how it is written down for people and for machines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

import msgspec


class Level(StrEnum):
    """``WARNING``: works today, may not tomorrow; ``WRONG``: something does not work or is not safe."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen at one *check*; ``remedy``: what to do, for all that is not ok. Holds no secret."""

    check: str
    level: Level
    words: str
    remedy: str = ""


def ok(check: str, words: str) -> Finding:
    """Return the finding that all is well."""
    return Finding(check, Level.OK, words)


def warning(check: str, words: str, remedy: str) -> Finding:
    """Return a finding that somebody should look at."""
    return Finding(check, Level.WARNING, words, remedy)


def wrong(check: str, words: str, remedy: str) -> Finding:
    """Return a finding that somebody has to mend."""
    return Finding(check, Level.WRONG, words, remedy)


def worst(findings: Iterable[Finding]) -> Level:
    """Return the worst level among *findings*."""
    order = list(Level)
    return max((finding.level for finding in findings), key=order.index, default=Level.OK)


def as_text(findings: Sequence[Finding]) -> str:
    """Return the findings as lines, each remedy below its finding, and the sum at the end."""
    width = max((len(finding.check) for finding in findings), default=0)
    lines = []
    for finding in findings:
        lines.append(f"{finding.level:<8} {finding.check:<{width}}  {finding.words}")
        if finding.remedy:
            lines.append(f"{'':<8} {'':<{width}}  -> {finding.remedy}")
    counts = {level: sum(finding.level is level for finding in findings) for level in Level}
    lines.append(f"{counts[Level.OK]} ok, {counts[Level.WARNING]} warnings, {counts[Level.WRONG]} wrong")
    return "\n".join(lines)


def as_json(findings: Sequence[Finding]) -> str:
    """Return ``{"worst": …, "findings": […]}``."""
    found = {"worst": worst(findings), "findings": [asdict(finding) for finding in findings]}
    return msgspec.json.encode(found).decode()
