"""
A real nginx with the configuration of the TLS edge, in front of a running system, for tests.

The certificates are those that the job of a deployment makes, by an authority that is thrown away. As in its container
nginx is no root: it has a user of its own and reads the keys as a member of the images' group.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import shutil
import ssl
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pulse_auth.deployment.certificates import OwnCertificate, prepare_certificates
from support.processes import ROOT, Program, free_ports
from support.waiting import until

HOST = "pulse.test"
USER, GROUP = 101, 10001  # of compose.yaml


class Edge:
    """nginx as ``origin``; ``folder`` holds what its volumes would."""

    def __init__(self, folder: Path, ports: tuple[int, int, int]) -> None:
        self.folder = folder
        self.http_port, self.https_port, self.internal_port = ports
        self.origin = f"https://{HOST}:{self.https_port}"
        self.program: Program | None = None
        for name in ("authority", "trust", "edge", "emqx"):
            (folder / name).mkdir()
        self.certify()

    def certify(self) -> None:
        """Run the job that makes the certificates that are missing, and give the files to the images' group."""
        prepare_certificates(HOST, self.folder, OwnCertificate(Path("/nonexistent")), datetime.now(UTC))
        if os.geteuid() == 0:
            for one in (self.folder / "edge").iterdir():
                os.chown(one, GROUP, GROUP)

    def start(self, *, api_port: int, broker_port: int, broker_ca: Path) -> None:
        """Start nginx before an API and a broker of this machine, and wait until it answers."""
        assert shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin"), "python3 requirements/install.py deploy"
        tmp, log = self.folder / "tmp", self.folder / "edge.log"
        tmp.mkdir()
        log.touch()
        command = [str(ROOT / "deploy" / "edge" / "start.sh")]
        if os.geteuid() == 0:
            os.chown(tmp, USER, USER)
            os.chown(log, USER, USER)
            command = ["setpriv", f"--reuid={USER}", f"--regid={USER}", f"--groups={GROUP}", *_from_a_copy(self.folder)]
        variables = {
            "PATH": f"{os.environ['PATH']}:/usr/sbin",
            "PULSE_HOST": HOST,
            "EDGE_ORIGIN": self.origin,
            "EDGE_LISTEN": "127.0.0.1",
            "EDGE_HTTP_PORT": str(self.http_port),
            "EDGE_HTTPS_PORT": str(self.https_port),
            "EDGE_INTERNAL_PORT": str(self.internal_port),
            "EDGE_API": f"http://127.0.0.1:{api_port}",
            "EDGE_BROKER": f"https://127.0.0.1:{broker_port}",
            "EDGE_BROKER_NAME": "localhost",
            "EDGE_TLS": str(self.folder / "edge"),
            "EDGE_TRUST": str(_readable(broker_ca, self.folder / "trust" / "broker.pem")),
            "EDGE_RESOLVER": "127.0.0.1",
            "EDGE_TMP": str(tmp),
            "EDGE_LOOK_EVERY_S": "0.2",
        }
        self.program = Program("edge", command, variables, log).start()
        until(self._answers, within_s=10, what="nginx answers")

    def _answers(self) -> bool:
        assert self.program is not None
        assert self.program.running, self.program.tail()
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{self.http_port}/edge-health", timeout=2).text == "ok\n"
        return False

    def client(self, name: str = HOST, *, port: int | None = None, source: str = "127.0.0.1") -> httpx.Client:
        """Return a client that calls this machine *name* and trusts the throw-away authority alone."""
        port = port or self.https_port
        context = ssl.create_default_context(cafile=str(self.folder / "authority" / "ca.pem"))
        transport = _Named(name, httpx.HTTPTransport(verify=context, local_address=source))
        return httpx.Client(
            base_url=f"https://127.0.0.1:{port}", headers={"host": f"{name}:{port}"}, transport=transport, timeout=10
        )

    def key_hash(self) -> str:
        """Return the public key's hash as Chromium's ``--ignore-certificate-errors-spki-list`` takes it."""
        certificate = x509.load_pem_x509_certificate((self.folder / "edge" / "public.pem").read_bytes())
        public = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(hashlib.sha256(public).digest()).decode()

    def serial(self) -> int:
        """Return the serial number of the certificate that a client meets now."""
        pem = ssl.get_server_certificate(("127.0.0.1", self.https_port), timeout=5)
        return x509.load_pem_x509_certificate(pem.encode()).serial_number


class _Named(httpx.BaseTransport):
    """Asks for a name in TLS that is not looked up."""

    def __init__(self, name: str, under: httpx.HTTPTransport) -> None:
        self._name, self._under = name, under

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        extensions: dict[str, Any] = {**request.extensions, "sni_hostname": self._name}
        request.extensions = extensions
        return self._under.handle_request(request)

    def close(self) -> None:
        self._under.close()


def _from_a_copy(folder: Path) -> list[str]:
    """Return the program in a folder that another user may enter, whatever folder the project lies in."""
    shutil.copytree(ROOT / "deploy" / "edge", folder / "program", dirs_exist_ok=True)
    return [str(folder / "program" / "start.sh")]


def _readable(source: Path, target: Path) -> Path:
    target.write_bytes(source.read_bytes())
    target.chmod(0o644)
    return target


@contextlib.contextmanager
def made_edge() -> Iterator[Edge]:
    """Yield an edge that is not started yet, in a folder that its user may enter; it is ended with the test."""
    folder = Path(tempfile.mkdtemp(prefix="pulse-edge-"))
    folder.chmod(0o755)
    first, second, third = free_ports(3)
    edge = Edge(folder, (first, second, third))
    try:
        yield edge
    except BaseException:
        print(edge.program.tail() if edge.program else "nginx was not started")
        raise
    finally:
        if edge.program is not None and edge.program.running:
            edge.program.stop()
        shutil.rmtree(folder)
