"""Log lines are JSON objects on standard error, of our own code and of libraries alike."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from pulse_runtime.errors import ConfigError
from pulse_runtime.logs import configure_logs


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_event_is_one_json_object_with_part_level_time_and_fields(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("ingest", "info")
    structlog.get_logger().info("worker.batch_written", readings=3, topic="a\nb")
    (line,) = _lines(capsys)
    assert line.pop("at").endswith("Z")
    assert line == {"part": "ingest", "level": "info", "event": "worker.batch_written", "readings": 3, "topic": "a\nb"}


def test_library_record_looks_alike(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("broker", "warning")
    logging.getLogger("some.library").warning("lost %s", "link")
    (line,) = _lines(capsys)
    assert (line["part"], line["level"], line["event"]) == ("broker", "warning", "lost link")


def test_exception_stays_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("ingest", "error")
    try:
        int("broken")
    except ValueError:
        structlog.get_logger().exception("worker.step_failed")
    (line,) = _lines(capsys)
    assert "ValueError: invalid literal for int()" in line["exception"]


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_level_keeps_out_what_is_below_it(level: str, expected: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("ingest", level)
    for each in ("debug", "info", "warning", "error"):
        getattr(structlog.get_logger(), each)("part.thing_happened")
        getattr(logging.getLogger("library"), each)("thing")
    assert [line["level"] for line in _lines(capsys)] == [each for each in expected for _ in range(2)]


@pytest.mark.parametrize("level", ["", "INFO", "trace"])
def test_level_unknown_is_refused(level: str) -> None:
    with pytest.raises(ConfigError, match=r"^PULSE_LOG_LEVEL is .*; give debug, info, warning or error\.$"):
        configure_logs("ingest", level)
