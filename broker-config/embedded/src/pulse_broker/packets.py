"""
The bytes of MQTT 3.1.1, as far as a server needs them: taking packets apart and putting answers together.

Pure: no input or output, no decisions about who may do what. Section numbers are those of the OASIS
standard MQTT 3.1.1. Where the packets are acted upon: ``connection``.
"""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

MAX_PACKET_BYTES = 1024 * 1024
MAX_CONNECT_BYTES = 200_000  # client id, will topic, will payload, user name and token: up to 65,535 bytes each
MAX_FILTERS = 500  # in one SUBSCRIBE or UNSUBSCRIBE: each is judged while everybody else waits
PINGRESP = b"\xd0\x00"


class Kind(IntEnum):
    """The packet types of section 2.2.1."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


class Connack(IntEnum):
    """Return codes of section 3.2.2.3."""

    ACCEPTED = 0
    WRONG_VERSION = 1
    UNAVAILABLE = 3
    BAD_CREDENTIALS = 4
    NOT_AUTHORIZED = 5


class PacketError(Exception):
    """The peer broke the protocol; the connection has to be closed. ``str()`` says how."""


class UnsupportedVersionError(PacketError):
    """A CONNECT of another MQTT version than 3.1.1."""


class Packet(NamedTuple):
    """One whole packet: type, the four flag bits, and what follows the fixed header."""

    kind: int
    flags: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Will:
    """The message to be published when the connection ends without a DISCONNECT."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


@dataclass(frozen=True, slots=True)
class Connect:
    """A CONNECT packet; ``keepalive_s`` 0 means none."""

    client_id: str
    clean: bool
    keepalive_s: int
    username: str | None
    password: bytes | None
    will: Will | None


@dataclass(frozen=True, slots=True)
class Publish:
    """A PUBLISH packet; ``packet_id`` is 0 for QoS 0."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    dup: bool
    packet_id: int


class PacketBuffer:
    """Cuts a stream of bytes into packets; ``limit`` bounds the size of one, in bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._data = bytearray()
        self._at = 0

    def feed(self, data: bytes) -> None:
        """Take more bytes from the peer."""
        if self._at:
            del self._data[: self._at]
            self._at = 0
        self._data += data

    def take(self) -> Packet | None:
        """
        Return the next whole packet, or ``None`` when more bytes are needed.

        Raises:
            PacketError: A length that is malformed or above the limit.
        """
        header = self._header()
        if header is None:
            return None
        start, length = header
        if len(self._data) < start + length:
            return None
        first = self._data[self._at]
        body = bytes(memoryview(self._data)[start : start + length])
        self._at = start + length
        return Packet(first >> 4, first & 0x0F, body)

    @property
    def first_byte(self) -> int | None:
        """The first byte of the packet that comes next, once it is there."""
        return self._data[self._at] if self._at < len(self._data) else None

    def _header(self) -> tuple[int, int] | None:
        """Return where the body starts and how long it is, once the fixed header is there."""
        length, shift, at = 0, 0, self._at + 1
        while at < len(self._data):
            byte = self._data[at]
            length |= (byte & 0x7F) << shift
            at += 1
            if length > self.limit:
                raise PacketError(f"a packet of {length} bytes or more; at most {self.limit} are taken")
            if not byte & 0x80:
                return at, length
            shift += 7
            if shift > 21:
                raise PacketError("a malformed remaining length")
        return None


class _Cursor:
    """Reads the fields of a body from front to back."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def blob(self, length: int) -> bytes:
        end = self._at + length
        if end > len(self._body):
            raise PacketError("a packet that ends too early")
        found = self._body[self._at : end]
        self._at = end
        return found

    def number(self, size: int) -> int:
        return int.from_bytes(self.blob(size), "big")

    def sized(self) -> bytes:
        return self.blob(self.number(2))

    def text(self) -> str:
        try:
            found = self.sized().decode()
        except UnicodeDecodeError as error:
            raise PacketError("a string that is not UTF-8") from error
        if "\x00" in found:
            raise PacketError("a string with a NUL character")
        return found

    def packet_id(self) -> int:
        found = self.number(2)
        if not found:
            raise PacketError("packet identifier 0")
        return found

    def rest(self) -> bytes:
        return self.blob(len(self._body) - self._at)

    @property
    def at_end(self) -> bool:
        return self._at == len(self._body)


def read_connect(packet: Packet) -> Connect:
    """
    Take a CONNECT apart (section 3.1).

    Raises:
        UnsupportedVersionError: MQTT 3.1 or 5.
        PacketError: Malformed.
    """
    cursor = _Cursor(packet.body)
    name, level = cursor.text(), cursor.number(1)
    if name not in {"MQTT", "MQIsdp"} or packet.flags:
        raise PacketError("not an MQTT CONNECT")
    if (name, level) != ("MQTT", 4):
        raise UnsupportedVersionError(f"MQTT protocol level {level}; only MQTT 3.1.1 is spoken here")
    flags, keepalive_s = cursor.number(1), cursor.number(2)
    _check_connect_flags(flags)
    client_id = cursor.text()
    will = None
    if flags & 0x04:
        topic, payload = cursor.text(), cursor.sized()
        will = Will(topic, payload, qos=flags >> 3 & 3, retain=bool(flags & 0x20))
    username = cursor.text() if flags & 0x80 else None
    password = cursor.sized() if flags & 0x40 else None
    if not cursor.at_end:
        raise PacketError("a CONNECT with bytes too many")
    return Connect(client_id, bool(flags & 0x02), keepalive_s, username, password, will)


def _check_connect_flags(flags: int) -> None:
    if flags & 0x01:
        raise PacketError("the reserved flag of CONNECT is set")
    if flags & 0x18 == 0x18 or (flags & 0x38 and not flags & 0x04):
        raise PacketError("will flags of CONNECT that contradict each other")
    if flags & 0x40 and not flags & 0x80:
        raise PacketError("a password without a user name")


def read_publish(packet: Packet) -> Publish:
    """
    Take a PUBLISH apart (section 3.3).

    Raises:
        PacketError: Malformed, or a topic that is empty or has wildcards.
    """
    qos = packet.flags >> 1 & 3
    if qos == 3:
        raise PacketError("a PUBLISH with QoS 3")
    cursor = _Cursor(packet.body)
    topic = cursor.text()
    if not topic or "+" in topic or "#" in topic:
        raise PacketError("a PUBLISH whose topic is empty or has wildcards")
    packet_id = cursor.packet_id() if qos else 0
    return Publish(topic, cursor.rest(), qos, bool(packet.flags & 1), bool(packet.flags & 8), packet_id)


def read_packet_id(packet: Packet) -> int:
    """
    Return the packet identifier of an acknowledgement.

    Raises:
        PacketError: Malformed.
    """
    cursor = _Cursor(packet.body)
    found = cursor.packet_id()
    if not cursor.at_end or packet.flags != (2 if packet.kind == Kind.PUBREL else 0):
        raise PacketError("a malformed acknowledgement")
    return found


def read_subscribe(packet: Packet) -> tuple[int, list[tuple[str, int]]]:
    """
    Return packet identifier and (filter, QoS) pairs; the filters are not judged here.

    Raises:
        PacketError: Malformed.
    """
    cursor = _begin_filters(packet)
    packet_id, found = cursor.packet_id(), []
    while not cursor.at_end:
        topic_filter, qos = cursor.text(), cursor.number(1)
        if qos > 2:
            raise PacketError("a subscription with a QoS above 2")
        found.append((topic_filter, qos))
        _check_number(found)
    if not found:
        raise PacketError("a SUBSCRIBE without a filter")
    return packet_id, found


def read_unsubscribe(packet: Packet) -> tuple[int, list[str]]:
    """
    Return packet identifier and filters.

    Raises:
        PacketError: Malformed.
    """
    cursor = _begin_filters(packet)
    packet_id, found = cursor.packet_id(), []
    while not cursor.at_end:
        found.append(cursor.text())
        _check_number(found)
    if not found:
        raise PacketError("an UNSUBSCRIBE without a filter")
    return packet_id, found


def _check_number(found: Sized) -> None:
    if len(found) > MAX_FILTERS:
        raise PacketError(f"more than {MAX_FILTERS} filters in one packet")


def _begin_filters(packet: Packet) -> _Cursor:
    if packet.flags != 2:
        raise PacketError("a packet with wrong flags")
    return _Cursor(packet.body)


def connack(code: int, *, session_present: bool = False) -> bytes:
    """Build a CONNACK."""
    return bytes((0x20, 2, session_present, code))


def acknowledgement(kind: Kind, packet_id: int) -> bytes:
    """Build a PUBACK, PUBREC, PUBREL, PUBCOMP or UNSUBACK."""
    flags = 2 if kind is Kind.PUBREL else 0
    return bytes((kind << 4 | flags, 2)) + packet_id.to_bytes(2, "big")


def suback(packet_id: int, codes: list[int]) -> bytes:
    """Build a SUBACK with one code for each filter."""
    return _whole(Kind.SUBACK << 4, packet_id.to_bytes(2, "big") + bytes(codes))


def publish(topic: str, payload: bytes, *, qos: int, retain: bool, dup: bool, packet_id: int) -> bytes:
    """Build a PUBLISH; *packet_id* counts only with QoS 1."""
    name = topic.encode()
    head = len(name).to_bytes(2, "big") + name + (packet_id.to_bytes(2, "big") if qos else b"")
    return _whole(Kind.PUBLISH << 4 | dup << 3 | qos << 1 | retain, head, payload)


def connect(client_id: str, username: str, password: str) -> bytes:
    """Build a clean CONNECT without keepalive or will, for the way to amqtt inside this process."""
    body = b"\x00\x04MQTT\x04\xc2\x00\x00" + _sized(client_id) + _sized(username) + _sized(password)
    return _whole(Kind.CONNECT << 4, body)


def subscribe(packet_id: int, topic_filter: str) -> bytes:
    """Build a SUBSCRIBE with QoS 0, for the way to amqtt inside this process."""
    return _whole(Kind.SUBSCRIBE << 4 | 2, packet_id.to_bytes(2, "big") + _sized(topic_filter) + b"\x00")


def unsubscribe(packet_id: int, topic_filter: str) -> bytes:
    """Build an UNSUBSCRIBE, for the way to amqtt inside this process."""
    return _whole(Kind.UNSUBSCRIBE << 4 | 2, packet_id.to_bytes(2, "big") + _sized(topic_filter))


def _sized(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2, "big") + data


def _whole(first: int, *parts: bytes) -> bytes:
    length, digits = sum(map(len, parts)), bytearray()
    while True:
        length, digit = divmod(length, 128)
        digits.append(digit | (0x80 if length else 0))
        if not length:
            return b"".join((bytes((first,)), digits, *parts))
