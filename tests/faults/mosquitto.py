"""
Debian's mosquitto in place of the embedded broker, so that workers share one load over MQTT 5.

It lets everybody in: it cannot check this project's tokens. Killed, it has lost all sessions.
"""

from __future__ import annotations

import getpass
import shutil
import time

from pulse_broker.certificates import ensure_certificates
from pulse_broker.settings import read_settings
from pulse_runtime.environment import Environment
from support.processes import Program
from support.stack import Stack

VARIABLES = {"PULSE_MQTT_VERSION": "5"}
_FALLBACK = "/usr/sbin/mosquitto"
_CONFIGURATION = """
listener {port} 127.0.0.1
certfile {certificate}
keyfile {key}
allow_anonymous true
user {user}
persistence false
max_queued_messages 100000
log_dest stderr
"""


def replace_broker(stack: Stack) -> None:
    """Make mosquitto the broker of *stack*, which is not started yet."""
    settings = read_settings(Environment(stack.variables))
    ensure_certificates(settings, time.time)
    text = _CONFIGURATION.format(
        port=stack.ports["PULSE_MQTTS_PORT"],
        certificate=settings.tls_cert_file,
        key=settings.tls_key_file,
        user=getpass.getuser(),
    )
    file = stack.home / "mosquitto.conf"
    file.write_text(text)
    command = [shutil.which("mosquitto") or _FALLBACK, "-c", str(file)]
    logs = stack.home / "logs"
    logs.mkdir()
    stack.programs["broker"] = Program("broker", command, {}, logs / "broker.log")
