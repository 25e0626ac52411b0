"""``login``, ``logout``, ``whoami``, ``password``. The work is done in ``core.identity``."""

from __future__ import annotations

import argparse

from pulse_acl.payloads import format_time

from ..core.identity import sessions
from ..core.identity.online import Online
from ..core.identity.sign_in import SignIn, Welcome
from .desk import Desk, password, show_figures


def login(on: Desk, asked: argparse.Namespace) -> None:
    """Sign in, online or from the cache."""
    _greet(_sign_in(on).sign_in(asked.username, password(asked)))


def change_password(on: Desk, asked: argparse.Namespace) -> None:
    """Change one's own password at the server."""
    current, new = password(asked, prompt="Present password: "), password(asked, "new_password_file", "New password: ")
    _greet(_sign_in(on).change_password(asked.username, current, new))


def logout(on: Desk, _asked: argparse.Namespace) -> None:
    """Sign out on this device."""
    sessions.end(on.db, on.clock.now())
    print("signed out.")


def whoami(on: Desk, asked: argparse.Namespace) -> None:
    """Say who is signed in, and with what rights."""
    who = sessions.current(on.db)
    permissions = sorted(on.shown().rights.of_user(who.user_id).permissions)
    figures = {
        "username": who.username,
        "id": who.user_id,
        "signed_in_at": who.at,
        "from_cache": who.is_from_cache,
        "permissions": permissions,
    }
    show_figures(figures, as_json=asked.json)


def _sign_in(on: Desk) -> SignIn:
    return SignIn(on.db, on.client_id, Online(on.identity), on.clock)


def _greet(welcome: Welcome) -> None:
    who = welcome.who
    if who.is_from_cache:
        checked = format_time(welcome.last_checked) if welcome.last_checked else "never"
        print(f"signed in as {who.username} from cache, last checked {checked}.")
    else:
        print(f"signed in as {who.username}.")
    if welcome.notice:
        print(f"{welcome.notice}.")
