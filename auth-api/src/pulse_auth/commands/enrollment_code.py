"""``pulse-auth-api enrollment-code``: prints a one-time code for a device, for whoever has the machine."""

from __future__ import annotations

import asyncio
import secrets
from argparse import ArgumentParser, Namespace

from pulse_runtime.errors import ConfigError

from ..clock import system_clock
from ..db.session import make_sessions
from ..domain.devices.certificate import CaCertificate
from ..domain.devices.enrollment import Enrollment
from ..errors import CertificateMissingError, RefusalError
from ..settings import Settings
from .database import opened

_ACTOR = "system"


def add(parser: ArgumentParser) -> None:
    """Describe the options."""
    parser.add_argument("--client-id", required=True, help="the device's id; one that is enrolled gets new keys")


def run(options: Namespace, settings: Settings) -> None:
    """
    Print the code, alone on standard output.

    Raises:
        ConfigError: The id cannot be a device's, or the CA's certificate is not there yet.
    """
    try:
        code = asyncio.run(_make(options.client_id, settings))
    except (RefusalError, CertificateMissingError) as error:
        raise ConfigError(str(error)) from error
    print(code)  # noqa: T201 - the command's result


async def _make(client_id: str, settings: Settings) -> str:
    enrollment = Enrollment(CaCertificate(settings.ca_file), system_clock, secrets.token_bytes)
    async with opened(settings) as engine, make_sessions(engine).begin() as session:
        return (await enrollment.make_code(session, actor=_ACTOR, client_id=client_id)).code
