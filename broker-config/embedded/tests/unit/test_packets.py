"""The codec: what it takes apart and puts together, and that no bytes bring it down."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_broker import packets
from pulse_broker.packets import Kind, Packet, PacketBuffer, PacketError
from support.mqtt_client import Will, connect_packet, publish_packet

TOPICS = st.text(st.characters(exclude_characters="+#\x00", exclude_categories=["Cs"]), min_size=1, max_size=40)
READERS = (
    packets.read_connect,
    packets.read_publish,
    packets.read_packet_id,
    packets.read_subscribe,
    packets.read_unsubscribe,
)


def whole(data: bytes) -> Packet:
    buffer = PacketBuffer(packets.MAX_PACKET_BYTES)
    buffer.feed(data)
    found = buffer.take()
    assert found is not None
    assert buffer.take() is None
    return found


@given(st.lists(st.binary(max_size=300), max_size=8), st.integers(1, 70))
def test_packet_buffer_any_cut_of_a_stream_gives_the_same_packets(bodies, step) -> None:
    stream = b"".join(publish_packet("a", body) for body in bodies)
    buffer, found = PacketBuffer(packets.MAX_PACKET_BYTES), []
    for at in range(0, len(stream), step):
        buffer.feed(stream[at : at + step])
        while (packet := buffer.take()) is not None:
            found.append(packets.read_publish(packet).payload)
    assert found == bodies


@given(
    TOPICS,
    st.binary(max_size=20_000),
    st.fixed_dictionaries({"retain": st.booleans(), "dup": st.booleans()}),
    st.data(),
)
def test_publish_written_is_read_back(topic, payload, flags, data) -> None:
    qos, packet_id = data.draw(st.integers(0, 1)), data.draw(st.integers(1, 65_535))
    read = packets.read_publish(whole(packets.publish(topic, payload, qos=qos, packet_id=packet_id, **flags)))
    assert (read.topic, read.payload, read.qos) == (topic, payload, qos)
    assert {"retain": read.retain, "dup": read.dup} == flags
    assert read.packet_id == (packet_id if qos else 0)


@given(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=50), st.booleans())
def test_connect_is_read_back(name, clean) -> None:
    will = Will("heartbeat/D1", b"gone", qos=1, retain=True)
    read = packets.read_connect(whole(connect_packet(name, name, b"\x00token", clean=clean, keepalive=7, will=will)))
    assert (read.client_id, read.username, read.password, read.clean, read.keepalive_s) == (
        name,
        name,
        b"\x00token",
        clean,
        7,
    )
    assert read.will == packets.Will("heartbeat/D1", b"gone", 1, retain=True)


@given(st.integers(0, 15), st.integers(0, 15), st.binary(max_size=60))
def test_readers_any_body_is_read_or_refused(kind, flags, body) -> None:
    for read in READERS:
        try:
            found = read(Packet(kind, flags, body))
        except PacketError:
            continue
        assert found is not None


@given(st.binary(max_size=200))
def test_packet_buffer_any_bytes_are_cut_or_refused(data) -> None:
    buffer = PacketBuffer(100)
    buffer.feed(data)
    try:
        while (packet := buffer.take()) is not None:
            assert len(packet.body) <= 100
    except PacketError:
        pass


def test_packet_buffer_length_above_the_limit_is_refused_before_the_body_came() -> None:
    buffer = PacketBuffer(1_000)
    buffer.feed(b"\x30\xe9\x07")
    with pytest.raises(PacketError):
        buffer.take()


@pytest.mark.parametrize("flags", [0x01, 0x18 | 0x04, 0x08, 0x20, 0x40])
def test_connect_flags_that_contradict_each_other_are_refused(flags) -> None:
    body = b"\x00\x04MQTT\x04" + bytes([flags]) + b"\x00\x00\x00\x01a" + b"\x00\x01a" * 4
    with pytest.raises(PacketError):
        packets.read_connect(Packet(Kind.CONNECT, 0, body))


def test_connect_with_bytes_too_many_is_refused() -> None:
    packet = whole(connect_packet("a", "b", "c"))
    with pytest.raises(PacketError):
        packets.read_connect(Packet(packet.kind, packet.flags, packet.body + b"x"))
