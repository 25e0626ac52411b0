"""
Signing and encryption of the sync's messages (library: ``joserfc``).

To a device: a JWS by the server's sync key inside a JWE to the device's key. From a device: the author's JWS inside
the device's JWS inside a JWE to the server's key. Signatures are Ed25519, encryption is ECDH-ES+A256KW with A256GCM to
X25519 keys. Every kind of signature has its own ``typ``, so that none passes for another. Keys come and go as JWKs.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec
from joserfc import jwe, jws
from joserfc.errors import BadSignatureError, JoseError
from joserfc.jwk import OKPKey

from pulse_acl.payloads import MAX_PAYLOAD_BYTES

from .changes import Change
from .messages import SERVER, FromDevice, FromServer

Jwk = Mapping[str, str]
SIGNATURE, KEY_WRAP, CONTENT = "Ed25519", "ECDH-ES+A256KW", "A256GCM"
FROM_SERVER, FROM_DEVICE, FROM_AUTHOR = "pulse-sync", "pulse-sync-device", "pulse-sync-author"


class Fault(StrEnum):
    """Why an envelope is not opened."""

    MALFORMED = "malformed"
    TRUNCATED = "truncated"
    WRONG_KEY = "wrong key"
    NOT_FOR_US = "not for this audience"
    BAD_SIGNATURE = "bad signature"


class EnvelopeError(Exception):
    """An envelope is not what it should be; nothing of it may be used. ``fault`` says which way."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.value)
        self.fault = fault


class _Jws(jws.JWSRegistry):
    max_payload_length = MAX_PAYLOAD_BYTES


class _Jwe(jwe.JWERegistry):
    max_ciphertext_length = MAX_PAYLOAD_BYTES


_SIGNING = _Jws(algorithms=[SIGNATURE])
_ENCRYPTION = _Jwe(algorithms=[KEY_WRAP, CONTENT])


class Key:
    """A private or public Ed25519 or X25519 key, made ready once; ``kid`` is its RFC 7638 thumbprint."""

    __slots__ = ("_key", "kid")

    def __init__(self, jwk: Jwk) -> None:
        """
        Take a JWK; members beyond ``kty``, ``crv``, ``x``, ``d`` are ignored.

        Raises:
            ValueError: It is no such key.
        """
        members: dict[str, str | list[str]] = {name: jwk[name] for name in ("kty", "crv", "x", "d") if name in jwk}
        try:
            self._key = OKPKey.import_key(members)
            self.kid = self._key.thumbprint()
        except (JoseError, KeyError, TypeError, ValueError) as error:
            raise ValueError("not an Ed25519 or X25519 key") from error

    def sign(self, typ: str, payload: bytes) -> str:
        """Return a compact JWS over *payload*."""
        header = {"alg": SIGNATURE, "typ": typ, "kid": self.kid}
        return jws.serialize_compact(header, payload, self._key, registry=_SIGNING)

    def verify(self, typ: str, token: str) -> bytes:
        """
        Return the payload of a compact JWS of the kind *typ* by this key.

        Raises:
            EnvelopeError: Malformed, of another kind, by another key, or altered.
        """
        try:
            found = jws.deserialize_compact(token, self._key, registry=_SIGNING)
        except BadSignatureError as error:
            raise EnvelopeError(Fault.BAD_SIGNATURE) from error
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise EnvelopeError(Fault.MALFORMED) from error
        if found.protected.get("typ") != typ:
            raise EnvelopeError(Fault.BAD_SIGNATURE)
        return found.payload

    def encrypt(self, content: str) -> str:
        """Return a compact JWE that only the owner of this key can open."""
        header = {"alg": KEY_WRAP, "enc": CONTENT, "kid": self.kid}
        return jwe.encrypt_compact(header, content, self._key, registry=_ENCRYPTION)

    def decrypt(self, token: str) -> str:
        """
        Return the content of a compact JWE.

        Raises:
            EnvelopeError: Malformed, cut off, for another key, or altered.
        """
        if len(token) > MAX_PAYLOAD_BYTES:
            raise EnvelopeError(Fault.MALFORMED)
        if _kid_of(token) != self.kid:
            raise EnvelopeError(Fault.WRONG_KEY)
        try:
            found = jwe.decrypt_compact(token, self._key, registry=_ENCRYPTION).plaintext
            return (found or b"").decode("ascii")
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            # The key fits, so what does not open was cut off or altered on the way.
            raise EnvelopeError(Fault.TRUNCATED) from error


def seal_to_device(message: FromServer, server: Key, device: Key) -> str:
    """Return *message* signed by the *server*'s sync key and encrypted to the *device*'s key."""
    return device.encrypt(server.sign(FROM_SERVER, msgspec.json.encode(message)))


def open_from_server(token: str, server: Key, device: Key, client_id: str) -> FromServer:
    """
    Open what came to the device *client_id*.

    Args:
        token: The ``jwe`` of a SyncEnvelope.
        server: The public sync signing key, learned at enrollment.
        device: The device's private encryption key.
        client_id: Who we are.

    Raises:
        EnvelopeError: Nothing of it may be used. Replays are the caller's to notice (versions, nonce, change_id).
    """
    message: FromServer = _decoded(server.verify(FROM_SERVER, device.decrypt(token)), FromServer)
    if message.aud != client_id:
        raise EnvelopeError(Fault.NOT_FOR_US)
    return message


def sign_change(change: Change, author: Key) -> str:
    """Return *change* as its author signs it; kept in the queue until it is answered."""
    return author.sign(FROM_AUTHOR, msgspec.json.encode(change))


def seal_to_server(layer: FromDevice, device: Key, server: Key) -> str:
    """Return the *device*'s layer signed by its signing key and encrypted to the *server*'s encryption key."""
    return server.encrypt(device.sign(FROM_DEVICE, msgspec.json.encode(layer)))


def open_from_device(token: str, server: Key, device: Key, client_id: str) -> FromDevice:
    """
    Open the outer layers of what came on the topic of *client_id*; the author's signature is still to be checked.

    Args:
        token: The ``jwe`` of a SyncEnvelope.
        server: The private sync encryption key.
        device: The registered public signing key of the device.
        client_id: The device of the topic.

    Raises:
        EnvelopeError: Nothing of it may be used.
    """
    layer: FromDevice = _decoded(device.verify(FROM_DEVICE, server.decrypt(token)), FromDevice)
    if layer.aud != SERVER or layer.client_id != client_id:
        raise EnvelopeError(Fault.NOT_FOR_US)
    return layer


def open_change(layer: FromDevice, author: Key) -> Change:
    """
    Check the author's signature in *layer* and return the change.

    Raises:
        EnvelopeError: Not signed by that key, or the change is another than the device's layer says.
    """
    change: Change = _decoded(author.verify(FROM_AUTHOR, layer.change), Change)
    if change.change_id != layer.change_id or change.author != layer.author:
        raise EnvelopeError(Fault.MALFORMED)
    if change.source != f"desktop:{layer.client_id}":
        raise EnvelopeError(Fault.NOT_FOR_US)
    return change


def _decoded(payload: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise EnvelopeError(Fault.MALFORMED) from error


def _kid_of(token: str) -> object:
    """Return the ``kid`` of a compact JWE's header, before anything is decrypted."""
    head, *rest = token.split(".")
    if len(rest) < 4:
        raise EnvelopeError(Fault.TRUNCATED if head else Fault.MALFORMED)
    try:
        header = msgspec.json.decode(base64.b64decode(head + "=" * (-len(head) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise EnvelopeError(Fault.MALFORMED) from error
    if not isinstance(header, dict) or len(rest) != 4:
        raise EnvelopeError(Fault.MALFORMED)
    return header.get("kid")
