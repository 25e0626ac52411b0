"""What can be seen on this machine alone: the state folder, disk, signing keys, the CA, the addresses, the clock."""

from __future__ import annotations

import ctypes
import shutil
import sys
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from pulse_acl.payloads import format_time
from pulse_runtime.environment import is_loopback
from pulse_runtime.errors import ConfigError

from ..keys.jwks import broker_jwks
from ..keys.signing import Purpose, key_files, load_keys
from ..settings import Settings
from .findings import Finding, ok, warning, wrong

SOON = timedelta(days=21)
LOW_SHARE, LOW_BYTES = 0.10, 5 * 1024**3
FULL_SHARE, FULL_BYTES = 0.02, 512 * 1024**2
_TIME_ERROR = 5  # what adjtimex(2) returns for a clock that nobody keeps
_GIB = 1024**3


def home(settings: Settings) -> Finding:
    """Look at the folder with all keys."""
    folder = settings.home
    try:
        mode = folder.stat().st_mode & 0o777
    except OSError as error:
        return wrong("home", f"{folder}: {error.strerror}", "set PULSE_HOME to the folder that the API runs with")
    if mode & 0o077:
        return wrong("home", f"{folder} has mode {mode:04o}, so others can read keys", f"chmod 0700 {folder}")
    return ok("home", f"{folder}, mode {mode:04o}")


def disk(settings: Settings) -> Finding:
    """Look at the room on the disk of ``PULSE_HOME``."""
    usage = shutil.disk_usage(settings.home)
    share = usage.free / usage.total
    words = f"{usage.free / _GIB:.1f} of {usage.total / _GIB:.1f} GiB free ({share:.0%}) where {settings.home} lies"
    remedy = "make room or a larger disk, see docs/runbooks/disk-full.md; PULSE_RETENTION_DAYS bounds the archive"
    if share < FULL_SHARE or usage.free < FULL_BYTES:
        return wrong("disk", words, remedy)
    return warning("disk", words, remedy) if share < LOW_SHARE and usage.free < LOW_BYTES else ok("disk", words)


def keys(settings: Settings) -> Finding:
    """Look at the signing keys and at the file of their public halves."""
    restore = "put the files back from the backup, see docs/runbooks/lost-key.md"
    lacking = [one.value for one in Purpose if not key_files(settings.keys_dir, one)]
    if lacking:
        return wrong("keys", f"{settings.keys_dir} has no key for {', '.join(lacking)}", restore)
    files = [file for one in Purpose for file in key_files(settings.keys_dir, one)]
    open_to_others = [file.name for file in files if file.stat().st_mode & 0o077]
    if open_to_others:
        return wrong("keys", f"others may read {', '.join(open_to_others)}", f"chmod 0600 {settings.keys_dir}/*.pem")
    try:
        published = broker_jwks(load_keys(settings.keys_dir))
    except ConfigError as error:
        return wrong("keys", str(error), restore)
    if not settings.jwks_file.exists() or settings.jwks_file.read_bytes() != published:
        return wrong("keys", f"{settings.jwks_file} does not hold the public keys", "start the API: it writes the file")
    return ok("keys", f"{len(files)} signing keys, published in {settings.jwks_file}")


def authority(settings: Settings, now: datetime) -> Finding:
    """Look at the CA that devices trust."""
    try:
        certificate = x509.load_pem_x509_certificate(settings.ca_file.read_bytes())
    except OSError as error:
        remedy = "start the broker once, or set PULSE_CA_FILE to your own CA"
        return wrong("ca", f"{settings.ca_file}: {error.strerror}", remedy)
    except ValueError:
        return wrong("ca", f"{settings.ca_file} holds no certificate", "put the CA's certificate (PEM) there")
    ends = certificate.not_valid_after_utc
    words = f"{settings.ca_file} is good until {format_time(ends)}"
    if ends <= now:
        return wrong("ca", words, "every device has to be enrolled anew under a new CA, see docs/runbooks/lost-key.md")
    if ends - now < 2 * SOON:
        return warning("ca", words, "plan a new CA: every device has to be enrolled anew under it")
    return ok("ca", words)


def addresses(settings: Settings) -> list[Finding]:
    """Compare the broker addresses given out with where browsers and devices are."""
    if is_loopback(urlsplit(settings.public_url).hostname):
        return [ok("addresses", f"this machine only: the dashboard is {settings.public_url}")]
    given = {
        "PULSE_BROKER_MQTTS_URL": (settings.mqtts_url, "devices"),
        "PULSE_BROKER_WS_URL": (settings.ws_url, "browsers"),
        "PULSE_BROKER_WSS_URL": (settings.wss_url, "devices that need WebSockets"),
    }
    found = [
        wrong("addresses", f"{variable} is {url}: {who} elsewhere would look for the broker on themselves",
              f"set {variable} to a name under which {who} reach the broker")
        for variable, (url, who) in given.items()
        if is_loopback(urlsplit(url).hostname)
    ]  # fmt: skip
    return found or [ok("addresses", f"browsers: {settings.ws_url}; devices: {settings.mqtts_url}")]


def kept_clock() -> list[Finding]:
    """Ask the kernel whether anybody keeps its clock; says nothing where it cannot be asked."""
    if sys.platform != "linux" or not Path("/proc").exists():
        return []
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(512))
    if state < 0:
        return []
    if state == _TIME_ERROR:
        remedy = "run an NTP service (chrony, systemd-timesyncd), unless the machine's host keeps its clock"
        return [warning("clock kept", "the kernel says that nothing keeps this clock right", remedy)]
    return [ok("clock kept", "a time service keeps this clock")]
