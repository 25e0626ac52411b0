"""Waiting in tests for what others do: for a condition, within a bound, and with words for the failure."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
WITHIN_S = 15.0


def until(condition: Callable[[], T], *, within_s: float, what: str, every_s: float = 0.05) -> T:
    """Return the first true answer of *condition*; fail with *what* when there is none in time. Holds the thread up."""
    deadline = time.monotonic() + within_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise _not_within(within_s, what, found)
        time.sleep(every_s)


async def eventually(
    condition: Callable[[], T | Awaitable[T]], within_s: float = WITHIN_S, *, what: str, every_s: float = 0.02
) -> T:
    """
    Return the first true answer of *condition*, a function or a coroutine function, and let other tasks go on.

    Raises:
        AssertionError: There was none within *within_s* seconds; it tells *what* was waited for, and the last answer.
    """
    found: T | None = None
    bound = asyncio.timeout(within_s)
    try:
        async with bound:
            while True:
                answer = condition()
                found = await answer if inspect.isawaitable(answer) else answer
                if found:
                    return found
                await asyncio.sleep(every_s)
    except TimeoutError:
        if not bound.expired():  # it is the condition's own
            raise
        raise _not_within(within_s, what, found) from None


def _not_within(within_s: float, what: str, found: object) -> AssertionError:
    return AssertionError(f"not within {within_s:g} s: {what} (last answer: {found!r})")
