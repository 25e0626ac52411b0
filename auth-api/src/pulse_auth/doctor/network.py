"""What answers over the network: the API, the edge, the broker's management, its listeners and certificates."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import secrets
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import SplitResult, urlsplit

import httpx

from pulse_acl.payloads import format_time

from ..addresses import CLEAR, where
from ..domain.broker_tokens.services import BrokerToken
from ..settings import Settings
from .findings import Finding, Level, ok, warning, wrong
from .machine import SOON

WITHIN_S = 5.0
_RENEW = "renew the certificate: docker compose up -d, then restart edge; the embedded broker does it at its next start"
_ALIVE = b'{"status":"ok"}'  # what /healthz answers; a page of something else would not be JSON
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def api(settings: Settings) -> list[Finding]:
    """Ask the API on this machine whether it is ready."""
    host = "127.0.0.1" if settings.http_host in {"0.0.0.0", "::"} else settings.http_host  # noqa: S104 - compared only
    url = f"http://{f'[{host}]' if ':' in host else host}:{settings.http_port}/readyz"
    try:
        async with httpx.AsyncClient(timeout=WITHIN_S, trust_env=False) as client:
            answer = await client.get(url)
            checks = dict(answer.json()["checks"])
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        return [wrong("api", f"{url}: {type(error).__name__}", "start pulse-auth-api serve, and read its log")]
    if answer.status_code != httpx.codes.OK:
        ill = ", ".join(f"{name}: {words}" for name, words in checks.items() if words != "ok")
        return [wrong("api", f"not ready: {ill}", "mend what is named; the API's log says more")]
    found = [ok("api", "ready")]
    for name, words in checks.items():
        if words != "ok":
            found.append(wrong(f"api {name}", words, "the API's log says why; it tries again by itself"))
    return found


async def edge(settings: Settings, now: datetime) -> Finding:
    """Fetch the dashboard as browsers do; their own list of authorities is tried before the local CA."""
    url = f"{settings.public_url}/healthz"
    parts = urlsplit(url)
    host, port = where(parts, settings)
    reached = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}{parts.path}"
    for own_ca in (False, True):
        context = ssl.create_default_context()
        if own_ca:
            with contextlib.suppress(OSError):
                context.load_verify_locations(settings.ca_file)
        try:
            async with httpx.AsyncClient(timeout=WITHIN_S, trust_env=False, verify=context) as client:
                named = {"sni_hostname": parts.hostname}
                answer = await client.get(reached, headers={"Host": parts.netloc}, extensions=named)
        except httpx.HTTPError as error:
            if not own_ca and "CERTIFICATE_VERIFY_FAILED" in str(error):
                continue
            remedy = "look at the TLS edge (nginx) and at PULSE_PUBLIC_URL; its name has to lead to this machine"
            return wrong("public address", f"{url}: {error or type(error).__name__}", remedy)
        if answer.status_code != httpx.codes.OK or answer.content != _ALIVE:
            remedy = "the edge has to pass on every path to the API"
            return wrong("public address", f"{url} answers {answer.status_code}, and not as the API does", remedy)
        return await _edge_certificate(settings, now, own_ca=own_ca)
    raise AssertionError("the second try returns")


async def _edge_certificate(settings: Settings, now: datetime, *, own_ca: bool) -> Finding:
    parts = urlsplit(settings.public_url)
    if parts.scheme in CLEAR:
        return ok("public address", f"{settings.public_url} answers (clear text, this machine only)")
    async with _connected(parts, settings) as (_, writer):
        found = _dates("public address", settings.public_url, writer, now)
    if own_ca and found.level is Level.OK:
        remedy = "let browsers trust the local CA, or give the edge a certificate of a public authority"
        return warning("public address", f"{found.words}; only the local CA vouches for it", remedy)
    return found


async def management(settings: Settings) -> Finding:
    """Ask the broker's management API for something with the key."""
    try:
        key, _, secret = settings.broker_api_key_file.read_text(encoding="utf-8").strip().partition(":")
        async with httpx.AsyncClient(timeout=WITHIN_S, trust_env=False) as client:
            answer = await client.get(f"{settings.broker_api_url}/clients?limit=1", auth=(key, secret))
    except OSError as error:
        remedy = "set PULSE_BROKER_API_KEY_FILE to the file that the broker reads its key from"
        return wrong("broker api", f"{settings.broker_api_key_file}: {error.strerror}", remedy)
    except httpx.HTTPError as error:
        remedy = "see whether the broker runs, and PULSE_BROKER_API_URL; see docs/runbooks/broker-down.md"
        return wrong("broker api", f"{settings.broker_api_url}: {type(error).__name__}", remedy)
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        remedy = "give broker and API the same key file; until then rights that end are not cut off"
        return wrong("broker api", "the broker does not know the key", remedy)
    if answer.status_code != httpx.codes.OK:
        return wrong(
            "broker api", f"it answers {answer.status_code}", "see whether PULSE_BROKER_API_URL ends in /api/v5"
        )
    return ok("broker api", settings.broker_api_url)


async def mqtt(settings: Settings, token: BrokerToken | None, now: datetime) -> Finding:
    """Connect like a device: TLS against the CA, then CONNECT with a token that the API signs."""
    parts = urlsplit(settings.mqtts_url)
    try:
        async with asyncio.timeout(WITHIN_S), _connected(parts, settings) as (reader, writer):
            found = _dates("broker mqtts", settings.mqtts_url, writer, now)
            if token is None:
                return found
            writer.write(connect_packet(token))
            await writer.drain()
            answer = await reader.readexactly(4)
    except (OSError, TimeoutError, EOFError) as error:
        return _unreachable("broker mqtts", settings.mqtts_url, error)
    if answer[:2] != b"\x20\x02" or answer[3] != 0:
        remedy = (
            "broker and API need the same PULSE_TOKEN_ISSUER, key set (JWKS) and time; the broker's log has the reason"
        )
        return wrong("broker mqtts", f"a token of this API is refused (CONNACK {answer[3]})", remedy)
    return found


async def websocket(check: str, url: str, settings: Settings, now: datetime) -> Finding:
    """Ask for MQTT over WebSocket as a browser on the dashboard does."""
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(WITHIN_S), _connected(parts, settings, system_too=True) as (reader, writer):
            writer.write(_upgrade(parts, settings.public_url))
            await writer.drain()
            status = (await reader.readline()).decode("latin-1").strip()
            found = ok(check, f"{url} answers") if parts.scheme in CLEAR else _dates(check, url, writer, now)
    except (OSError, TimeoutError, EOFError) as error:
        return _unreachable(check, url, error)
    if " 101" not in status:
        remedy = "the edge has to pass upgrades of /mqtt on to the broker, with the origin PULSE_PUBLIC_URL"
        return wrong(check, f"{url} refuses the upgrade: {status or 'no answer'}", remedy)
    return found


def connect_packet(token: BrokerToken) -> bytes:
    """Return MQTT 3.1.1's CONNECT with a clean session and 30 s keepalive."""
    fields = (token.client_id, token.username, token.password)
    payload = b"".join(len(one.encode()).to_bytes(2, "big") + one.encode() for one in fields)
    body = b"\x00\x04MQTT\x04\xc2\x00\x1e" + payload
    length, size = len(body), b""
    while True:
        length, low = divmod(length, 128)
        size += bytes([low | (128 if length else 0)])
        if not length:
            return b"\x10" + size + body


@contextlib.asynccontextmanager
async def _connected(parts: SplitResult, settings: Settings, *, system_too: bool = False) -> AsyncIterator[Streams]:
    """Open a connection, with TLS unless the scheme is clear text, verified against the CA."""
    context: ssl.SSLContext | None = None
    if parts.scheme not in CLEAR:
        context = ssl.create_default_context(cafile=str(settings.ca_file))
        if system_too or parts.scheme == "https":
            context.load_default_certs()
    host, port = where(parts, settings)
    named = parts.hostname if context else None
    async with asyncio.timeout(WITHIN_S):
        reader, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=named)
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(writer.wait_closed(), 1)


def _dates(check: str, url: str, writer: asyncio.StreamWriter, now: datetime) -> Finding:
    certificate = writer.get_extra_info("peercert")
    if not certificate:
        return ok(check, f"{url} answers (clear text)")
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
    words = f"{url}, certificate good until {format_time(ends)}"
    if ends - now < SOON:
        return warning(check, words, _RENEW)
    return ok(check, words)


def _unreachable(check: str, url: str, error: BaseException) -> Finding:
    if isinstance(error, ssl.SSLCertVerificationError):
        remedy = "the certificate has to be good now, carry this name, and be signed by the CA in PULSE_CA_FILE"
        return wrong(check, f"{url}: {error.verify_message}", remedy)
    remedy = "see whether the broker runs and listens there; see docs/runbooks/broker-down.md"
    return wrong(check, f"{url}: {error or type(error).__name__}", remedy)


def _upgrade(parts: SplitResult, origin: str) -> bytes:
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    lines = [
        f"GET {parts.path or '/'} HTTP/1.1",
        f"Host: {parts.netloc}",
        f"Origin: {origin}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Protocol: mqtt",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
