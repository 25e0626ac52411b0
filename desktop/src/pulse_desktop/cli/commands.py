"""Every command of the front end: its words, its options, and the function that does it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from pulse_runtime.environment import Environment

from . import access, configuring, mirroring, people, signing_in
from .desk import Desk, desk

Adder = Any  # argparse names its subparsers' class with an underscore
Work = Callable[[Desk, argparse.Namespace], None]


def add_commands(commands: Adder, add_device: Callable[[argparse.ArgumentParser], None]) -> None:
    """Make the commands known to the program's parser; *add_device* adds the option that names the device."""
    words = _Words(commands, add_device)
    _add_signing_in(words)
    _add_users(words.noun("users", "the people of this system"))
    _add_roles(words.noun("roles", "roles, their permissions and members"))
    _add_settings(words.noun("settings", "settings of all devices or of one"))
    _add_sync(words.noun("sync", "how far this device is with its server"))


def run(environment: Environment, asked: argparse.Namespace) -> int:
    """Do one of these commands."""
    work: Work = asked.work
    with desk(environment, asked) as opened:
        work(opened, asked)
    return 0


class _Words:
    """Adds commands of one level."""

    def __init__(self, commands: Adder, add_device: Callable[[argparse.ArgumentParser], None]) -> None:
        self._commands, self._add_device = commands, add_device

    def noun(self, word: str, meaning: str) -> _Words:
        """Add a command that has commands."""
        one = self._commands.add_parser(word, help=meaning, allow_abbrev=False)
        self._add_device(one)
        return _Words(one.add_subparsers(dest="verb", required=True, metavar="VERB"), self._add_device)

    def verb(self, word: str, meaning: str, work: Work, *names: str) -> argparse.ArgumentParser:
        """Add a command that does *work* and takes *names* in this order."""
        one: argparse.ArgumentParser = self._commands.add_parser(word, help=meaning, allow_abbrev=False)
        self._add_device(one)
        for name in names:
            one.add_argument(name)
        one.set_defaults(work=work)
        return one

    def listing(self, word: str, meaning: str, work: Work) -> argparse.ArgumentParser:
        """Add a command that shows something."""
        one = self.verb(word, meaning, work)
        one.add_argument("--json", action="store_true", help="for programs")
        return one

    def change(self, word: str, meaning: str, work: Work, *names: str) -> argparse.ArgumentParser:
        """Add a command that changes records, for which the person gives the password again."""
        one = self.verb(word, meaning, work, *names)
        _add_password(one)
        return one


def _add_password(one: argparse.ArgumentParser) -> None:
    one.add_argument("--password-file", metavar="F", help="file with your password; -: standard input; else asked for")


def _add_new_password(one: argparse.ArgumentParser) -> None:
    one.add_argument("--new-password-file", metavar="F", help="file with the new password; else asked for")


def _add_signing_in(words: _Words) -> None:
    one = words.change("login", "sign in on this device", signing_in.login)
    one.add_argument("--username", required=True)
    two = words.change("password", "change your own password at the server", signing_in.change_password)
    two.add_argument("--username", required=True)
    _add_new_password(two)
    words.verb("logout", "sign out on this device", signing_in.logout)
    words.listing("whoami", "who is signed in here", signing_in.whoami)


def _add_users(words: _Words) -> None:
    words.listing("list", "everybody", people.listed).add_argument("--all", action="store_true", help="deleted too")
    one = words.change("create", "make a user", people.create, "username")
    one.add_argument("--role", action="append", default=[], help="a role of the new user; may be repeated")
    _add_new_password(one)
    words.change("rename", "give a user another name", people.rename, "username", "new_name")
    words.change("activate", "let a user in again", people.set_active, "username")
    words.change("deactivate", "let a user in no more", people.set_active, "username")
    words.change("delete", "delete a user", people.delete, "username")
    words.change("restore", "take a deletion back", people.restore, "username")
    _add_new_password(words.change("password", "give a user a new password", people.new_password, "username"))


def _add_roles(words: _Words) -> None:
    words.listing("list", "every role", access.listed)
    words.change("create", "make a role", access.create, "role").add_argument("--description", default="")
    words.change("rename", "give a role another name", access.rename, "role", "new_name")
    words.change("describe", "give a role another description", access.describe, "role", "description")
    words.change("delete", "delete a role", access.delete, "role")
    words.change("grant", "give a user a role", access.set_member, "username", "role")
    words.change("revoke", "take a role from a user", access.set_member, "username", "role")
    words.change("allow", "put a permission into a role", access.set_permission, "role", "permission")
    words.change("forbid", "take a permission out of a role", access.set_permission, "role", "permission")


def _add_settings(words: _Words) -> None:
    words.listing("list", "everything that is set", configuring.listed)
    for one in (
        words.change("set", "set a value", configuring.put, "key", "value"),
        words.change("unset", "remove a value", configuring.unset, "key"),
    ):
        one.add_argument("--for", dest="of_device", metavar="DEVICE", help="for this device only; default: for all")


def _add_sync(words: _Words) -> None:
    words.listing("status", "how far this device is", mirroring.status)
    words.verb("now", "ask for what was missed", mirroring.ask)
    words.listing("waiting", "changes that have no answer yet", mirroring.waiting)
    one = words.listing("review", "changes that were not applied", mirroring.review)
    one.add_argument("--done", type=int, metavar="ID", help="take this entry off the list")
    words.listing("log", "what became of changes", mirroring.log).add_argument("--limit", type=int, default=50)
