"""A way to PostgreSQL on which the answer to a COMMIT can be lost after it happened."""

from __future__ import annotations

import asyncio
from pathlib import Path

SOCKET = ".s.PGSQL.5432"


class Swallower:
    """Leads to PostgreSQL; while ``armed`` it lets one COMMIT through, waits for the answer, keeps it and hangs up."""

    def __init__(self, folder: Path, real: Path) -> None:
        self.folder, self._real, self.armed, self.swallowed = folder, real, False, 0
        self._joined: set[asyncio.Task[None]] = set()

    async def serve(self) -> asyncio.Server:
        return await asyncio.start_unix_server(self._join, self.folder / SOCKET)

    async def close(self, server: asyncio.Server) -> None:
        """Hang up on everyone and end."""
        server.close()
        for task in self._joined:
            task.cancel()
        await asyncio.gather(*self._joined, return_exceptions=True)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._joined.add(task)
        task.add_done_callback(self._joined.discard)
        far_reader, far_writer = await asyncio.open_unix_connection(self._real / SOCKET)
        back = asyncio.ensure_future(_pass(far_reader, writer))
        try:
            while data := await reader.read(65_536):
                if self.armed and b"COMMIT" in data:
                    back.cancel()
                    await asyncio.wait([back])
                    far_writer.write(data)
                    assert await far_reader.read(65_536), "PostgreSQL has answered: the transaction is committed"
                    self.armed, self.swallowed = False, self.swallowed + 1
                    return
                far_writer.write(data)
        finally:
            back.cancel()
            for one in (writer, far_writer):
                one.transport.abort()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
    writer.close()
