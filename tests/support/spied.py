"""
The project's own programs with an ear in the broker, and, where a test asks for it, with the sync's encryption off.

``python -m support.spied broker|auth-api|desktop …`` is that program, patched before it starts; the products have no
switch for either. The broker writes every message under ``sync/`` that it passes on into ``spy.jsonl`` of its home.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path

from pulse_sync.envelopes import Key

MODULES = {"broker": "pulse_broker", "auth-api": "pulse_auth", "desktop": "pulse_desktop"}
IN_CLEAR = "PULSE_TEST_SYNC_IN_CLEAR"


def command(name: str) -> list[str]:
    """Return the command line of the patched program *name*."""
    return ["python", "-m", "support.spied", name]


def heard(home: Path) -> list[tuple[str, str]]:
    """Return topic and payload of what the broker of *home* has passed on so far."""
    file = home / "spy.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    return [tuple(json.loads(line)) for line in lines]


def _listen(file: Path) -> None:
    from pulse_broker.hub import Hub
    from pulse_broker.messages import Message

    publish = Hub.publish

    async def publish_and_tell(hub: Hub, message: Message) -> None:
        if message.topic.startswith("sync/"):
            with file.open("a") as spy:
                spy.write(json.dumps([message.topic, message.payload.decode()]) + "\n")
        await publish(hub, message)

    Hub.publish = publish_and_tell


def _talk_in_clear() -> None:
    Key.encrypt = Key.decrypt = lambda _key, content: content


if __name__ == "__main__":
    program = sys.argv.pop(1)
    if program == "broker":
        _listen(Path(os.environ["PULSE_HOME"]) / "spy.jsonl")
    if os.environ.get(IN_CLEAR):
        _talk_in_clear()
    importlib.import_module(f"{MODULES[program]}.__main__").main()
