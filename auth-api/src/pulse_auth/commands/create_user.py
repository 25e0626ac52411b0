"""``pulse-auth-api create-user``: adds a user, for whoever has the machine; the password comes from a file."""

from __future__ import annotations

import asyncio
from argparse import ArgumentParser, Namespace
from pathlib import Path

import structlog

from pulse_runtime.environment import read_secret_file
from pulse_runtime.errors import ConfigError

from ..clock import system_clock
from ..db.session import make_sessions
from ..domain.accounts.creation import create_user
from ..domain.accounts.passwords import Passwords, check_new_password
from ..domain.audit.services import write_audit
from ..errors import RefusalError
from ..preparation import prepare_database
from ..settings import Settings
from .database import opened

_log = structlog.get_logger()
_ACTOR = "system"


def add(parser: ArgumentParser) -> None:
    """Describe the options."""
    parser.add_argument("--username", required=True, help="the name to sign in with")
    parser.add_argument("--role", required=True, action="append", help="a role's name; may be given again")
    parser.add_argument("--password-file", required=True, type=Path, help="file with the password")
    parser.add_argument("--must-change", action="store_true", help="ask for a new password at the first sign-in")


def run(options: Namespace, settings: Settings) -> None:
    """
    Add the user.

    Raises:
        ConfigError: The name, the role or the password is refused; the sentence says why.
    """
    try:
        asyncio.run(_run(options, settings))
    except RefusalError as error:
        raise ConfigError(str(error)) from error


async def _run(options: Namespace, settings: Settings) -> None:
    password = read_secret_file(options.password_file, "--password-file")
    check_new_password(password)
    passwords = Passwords()
    async with opened(settings) as engine:
        sessions = make_sessions(engine)
        await prepare_database(engine, sessions, settings, passwords, system_clock)
        hashed = await passwords.hash(password)
        async with sessions.begin() as session:
            user = await create_user(
                session,
                username=options.username,
                password_hash=hashed,
                roles=options.role,
                must_change_password=options.must_change,
                now=system_clock(),
                by=_ACTOR,
            )
            after = {"username": user.username, "roles": options.role}
            await write_audit(
                session, actor=_ACTOR, action="user.created", entity_type="user", entity_id=str(user.id), after=after
            )
    _log.info("accounts.user_created", username=user.username, roles=options.role)
