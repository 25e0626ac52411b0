"""
The wires between containers without an engine: published ports, and the resolver that knows the other containers.

A program of its own, for each network namespace has its own sockets:
``python -m drills.wires FROM=TO … [--names FILE]``.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import socket
import struct
from pathlib import Path

RESOLVER = ("127.0.0.11", 53)  # where a container's engine has its resolver
_ADDRESS, _UNKNOWN = 1, 3


def answer(query: bytes, names: dict[str, str]) -> bytes:
    """Return the answer to one DNS question: an address for type A, nothing for others, or that nobody is called so."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode())
        at += 1 + query[at]
    question = query[12 : at + 5]
    address = names.get(".".join(labels).lower())
    (kind,) = struct.unpack_from("!H", query, at + 1)
    found = [address] if address and kind == _ADDRESS else []
    head = struct.pack("!HHHHH", 0x8180 | (0 if address else _UNKNOWN), 1, len(found), 0, 0)
    records = [b"\xc0\x0c" + struct.pack("!HHIH", _ADDRESS, 1, 5, 4) + socket.inet_aton(one) for one in found]
    return query[:2] + head + question + b"".join(records)


def read_names(hosts: Path) -> dict[str, str]:
    """Return the names of a hosts file with their addresses."""
    lines = [line.split() for line in hosts.read_text(encoding="utf-8").splitlines()]
    return {name: address for address, *names in lines for name in names}


class _Resolver(asyncio.DatagramProtocol):
    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(answer(data, self._names), addr)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: str) -> None:
    with contextlib.suppress(OSError):
        if to.startswith("/"):
            far_reader, far_writer = await asyncio.open_unix_connection(to)
        else:
            host, _, port = to.rpartition(":")
            far_reader, far_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
    writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def main() -> None:
    """Pass on until told to end; says ``ready`` once every socket is there."""
    asked = argparse.ArgumentParser(prog="drills.wires")
    asked.add_argument("passes", nargs="*", help="ADDRESS:PORT=ADDRESS:PORT, or a socket's path behind the =")
    asked.add_argument("--names", type=Path, help="hosts file that the resolver answers from")
    options = asked.parse_args()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    for one in options.passes:
        (host, _, port), to = one.partition("=")[0].rpartition(":"), one.partition("=")[2]
        await asyncio.start_server(lambda r, w, to=to: _pass_on(r, w, to), host, int(port))
    if options.names:
        names = read_names(options.names)
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: _Resolver(names), local_addr=RESOLVER)
    print("ready", flush=True)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(main())
