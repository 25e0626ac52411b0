"""
The system with Debian's mosquitto in the embedded broker's place, as real processes in a folder of its own.

mosquitto knows nothing of this project's tokens and lets everybody in; TLS for everyone but browsers and the load
generator, which come in on loopback ports in clear text, the latter so that its own cost stays small. The worker
speaks MQTT 5 as with EMQX.
"""

from __future__ import annotations

import contextlib
import getpass
import shutil
import socket
import time
from collections.abc import Iterator

from pulse_broker.certificates import ensure_certificates
from pulse_broker.settings import read_settings
from pulse_runtime.environment import Environment
from support.processes import Program, free_ports
from support.stack import Stack, short_home
from support.waiting import until

_FALLBACK = "/usr/sbin/mosquitto"
_CONFIGURATION = """
per_listener_settings false
listener {plain} 127.0.0.1
listener {port} 127.0.0.1
certfile {certificate}
keyfile {key}
listener {sockets} 127.0.0.1
protocol websockets
allow_anonymous true
user {user}
persistence false
max_inflight_messages 0
max_queued_messages 0
set_tcp_nodelay true
log_dest stderr
log_type error
"""


class Plant(Stack):
    """A stack whose broker is mosquitto; ``plain_port`` is the load generator's."""

    plain_port = 0

    def start_mosquitto(self) -> None:
        """Start the broker and wait until it listens."""
        settings = read_settings(Environment(self.variables))
        ensure_certificates(settings, time.time)
        (self.plain_port,) = free_ports(1)
        file = self.home / "mosquitto.conf"
        file.write_text(
            _CONFIGURATION.format(
                plain=self.plain_port,
                port=self.ports["PULSE_MQTTS_PORT"],
                sockets=self.ports["PULSE_MQTT_WS_PORT"],
                certificate=settings.tls_cert_file,
                key=settings.tls_key_file,
                user=getpass.getuser(),
            )
        )
        command = [shutil.which("mosquitto") or _FALLBACK, "-c", str(file)]
        log = self.home / "logs" / "mosquitto.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        self.programs["broker"] = Program("mosquitto", command, {}, log).start()
        until(lambda: _listens(self.plain_port), within_s=10, what="mosquitto listens")

    @property
    def mqtts_port(self) -> int:
        """The broker's TLS port."""
        return self.ports["PULSE_MQTTS_PORT"]


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@contextlib.contextmanager
def mosquitto_plant(*services: str) -> Iterator[Plant]:
    """Yield a running system: PostgreSQL as `make run` has it, mosquitto, and *services*: by default API and worker."""
    with short_home() as home:
        plant = Plant(home, {"PULSE_MQTT_VERSION": "5"})
        try:
            plant.start("postgres")
            plant.start_mosquitto()
            plant.start(*(services or ("auth-api", "ingest")))
            plant.wait_ready()
            yield plant
        except BaseException:
            print(plant.logs())
            raise
        finally:
            plant.stop()
