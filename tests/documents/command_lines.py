"""The programs' command lines as their own parsers have them, and the targets of the Makefile."""

from __future__ import annotations

import importlib
import re
import sys
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from pulse_acl.emit.markdown import table

PROGRAMS = {
    "pulse-auth-api": "pulse_auth.__main__",
    "pulse-ingest": "pulse_ingest.__main__",
    "pulse-broker": "pulse_broker.__main__",
    "pulse-desktop": "pulse_desktop.program",
    "pulse-local": "pulse_local.__main__",
}
DOCUMENTED = ("pulse-desktop", "pulse-auth-api", "pulse-ingest", "pulse-broker")
_EVERYWHERE = {"--help", "--version", "-h"}
_OF_ALL = "--client-id or --device"
_TARGET = re.compile(r"^([a-z-]+):.*?## (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its words behind the program's name, its arguments, its meaning, and option → meaning."""

    words: tuple[str, ...]
    arguments: tuple[str, ...]
    meaning: str
    options: dict[str, str] = field(default_factory=dict)
    flags: frozenset[str] = frozenset()


class _ParserFoundError(Exception):
    def __init__(self, parser: ArgumentParser) -> None:
        super().__init__("the program has made its parser")
        self.parser = parser


def commands_of(program: str) -> list[Command]:
    """Return the program itself and all of its commands, as its own parser has them."""
    found = {command.words: command for command in _walk(_parser(program), (), "")}
    if program == "pulse-auth-api":  # it adds the options of the command that is called only
        for words in [words for words in found if words]:
            own = [one for one in _walk(_parser(program, *words), (), "") if one.words[: len(words)] == words]
            del found[words]
            found |= {one.words: one for one in own}
    return list(found.values())


def command_sections() -> dict[str, str]:
    """Return a section for each program that people call."""
    return {program: _section(program) for program in DOCUMENTED}


def targets(root: Path) -> dict[str, str]:
    """Return the Makefile's targets with their meanings."""
    return dict(_TARGET.findall((root / "Makefile").read_text(encoding="utf-8")))


def targets_section(root: Path) -> str:
    """Return the table of the Makefile's targets."""
    return table(["target", "does"], [(f"`make {name}`", meaning) for name, meaning in targets(root).items()])


def _section(program: str) -> str:
    commands = commands_of(program)
    rows = [
        (
            f"`{' '.join((program, *one.words, *one.arguments))}`",
            one.meaning.rstrip("."),
            " ".join(f"`{option}`" for option in one.options if not option.startswith(_OF_ALL)) or "none",
        )
        for one in commands
    ]
    meanings = {option: meaning for one in commands for option, meaning in one.options.items() if meaning}
    options = table(["option", "means"], [(f"`{option}`", meaning) for option, meaning in meanings.items()])
    return table(["command", "does", "options"], rows) + (f"\n\n{options}" if meanings else "")


def _parser(program: str, *words: str) -> ArgumentParser:
    main = importlib.import_module(PROGRAMS[program]).main

    def found(self: ArgumentParser, *_: object, **__: object) -> None:
        raise _ParserFoundError(self)

    with patch.object(ArgumentParser, "parse_args", found), patch.object(sys, "argv", [program, *words]):
        try:
            main()
        except _ParserFoundError as stopped:
            return stopped.parser
    raise AssertionError(f"{program} parses no command line")


def _walk(parser: ArgumentParser, words: tuple[str, ...], meaning: str) -> Iterator[Command]:
    options: dict[str, str] = {}
    arguments: list[str] = []
    flags: set[str] = set()
    below: list[_SubParsersAction] = []
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            below.append(action)
        elif action.option_strings:
            flags |= set(action.option_strings)
            if not _EVERYWHERE & set(action.option_strings):
                value = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
                if action.choices:
                    value = " " + "|".join(map(str, action.choices))
                options[" or ".join(action.option_strings) + value] = (action.help or "") % {"default": action.default}
        else:
            name = str(action.metavar or action.dest).upper()
            arguments.append("|".join(map(str, action.choices)) if action.choices else name)
    if not any(action.required for action in below):
        about = meaning or (parser.description or "")
        yield Command(words, tuple(arguments), about, options, frozenset(flags))
    for action in below:
        helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
        for name, one in action.choices.items():
            yield from _walk(one, (*words, name), helps.get(name, ""))
