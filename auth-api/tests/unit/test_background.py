"""Loops beside the API: started again after a failure, ended with the application."""

from __future__ import annotations

import asyncio

import pytest
import structlog

from pulse_auth import background


async def test_running_loop_that_fails_is_logged_and_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "FIRST_WAIT_S", 0.0)
    second = asyncio.Event()
    starts: list[int] = []

    async def loop() -> None:
        starts.append(len(starts))
        if len(starts) == 1:
            raise ZeroDivisionError
        second.set()
        await asyncio.Event().wait()

    with structlog.testing.capture_logs() as logs:
        async with background.running({"one": loop}):
            await asyncio.wait_for(second.wait(), 10)
    assert starts == [0, 1]
    assert [entry["event"] for entry in logs] == ["background.loop_failed"]


async def test_running_block_left_waits_until_a_loop_has_finished_what_it_holds() -> None:
    begun, done = asyncio.Event(), []

    async def loop() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            done.append("finished")

    async with background.running({"one": loop, "two": loop}):
        await begun.wait()
    assert done == ["finished", "finished"]


async def test_running_loop_that_swallows_a_cancellation_is_cancelled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "CANCEL_AGAIN_S", 0.01)
    begun, swallowed = asyncio.Event(), []

    async def loop() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            swallowed.append("once")
        await asyncio.Event().wait()

    async with asyncio.timeout(10):
        async with background.running({"one": loop}):
            await begun.wait()
    assert swallowed == ["once"]
