"""``pulse-auth-api deployment``: the one-shot jobs of ``compose.yaml`` that make certificates and secrets."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from ..clock import system_clock
from ..deployment.certificates import OwnCertificate, checked_host, prepare_certificates
from ..deployment.secret_files import prepare_secrets
from ..settings import Settings


def add(parser: ArgumentParser) -> None:
    """Describe the options."""
    parser.add_argument("what", choices=["certificates", "secrets"], help="what to make where it is missing")
    parser.add_argument("--to", required=True, type=Path, help="folder with one folder for each part that reads them")
    parser.add_argument("--host", default="", help="the server's public name (certificates)")
    parser.add_argument("--own", type=Path, default=Path("/nonexistent"), help="folder with a certificate of your own")
    parser.add_argument("--own-named", default="", help="what PULSE_OWN_TLS says, which must then lead to one")


def run(options: Namespace, _settings: Settings) -> None:
    """
    Make them.

    Raises:
        ConfigError: The name is missing, a folder is, or files do not belong together.
    """
    if options.what == "secrets":
        prepare_secrets(options.to)
        return
    host = checked_host(options.host)
    prepare_certificates(host, options.to, OwnCertificate(options.own, options.own_named), system_clock())
