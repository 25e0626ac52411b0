"""A program ends with one sentence when its configuration is wrong, and with its own code otherwise."""

from __future__ import annotations

import pytest

from pulse_runtime import __version__
from pulse_runtime.errors import ConfigError
from pulse_runtime.program import parser, run_program


def _raise(error: BaseException) -> int:
    raise error


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (3, 3)])
def test_run_program_returns_the_programs_code(returned: int | None, code: int) -> None:
    assert run_program("pulse-x", lambda: returned) == code


def test_run_program_wrong_configuration_is_one_sentence_and_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_program("pulse-x", lambda: _raise(ConfigError("PULSE_X is 1; give 2."))) == 2
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "pulse-x: PULSE_X is 1; give 2.\n")


def test_run_program_interrupted_is_130() -> None:
    assert run_program("pulse-x", lambda: _raise(KeyboardInterrupt())) == 130


def test_run_program_unexpected_error_is_not_hidden() -> None:
    with pytest.raises(RuntimeError, match="surprise"):
        run_program("pulse-x", lambda: _raise(RuntimeError("surprise")))


@pytest.mark.parametrize(("option", "text"), [("--version", f"pulse-x {__version__}\n"), ("--help", "does things")])
def test_parser_knows_version_and_help(option: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser("pulse-x", "does things").parse_args([option])
    assert ended.value.code == 0
    assert text in capsys.readouterr().out


def test_parser_abbreviated_option_is_refused() -> None:
    with pytest.raises(SystemExit) as ended:
        parser("pulse-x", "does things").parse_args(["--vers"])
    assert ended.value.code == 2
