"""Text from outside as every file takes it: SQLite and JSON hold UTF-8, and a lone surrogate has no place in that."""

from __future__ import annotations


def storable(text: str) -> str:
    r"""Return *text*, each lone surrogate of it (what stands for a byte that is not UTF-8) written as ``\udc..``."""
    return text.encode("utf-8", "backslashreplace").decode()
