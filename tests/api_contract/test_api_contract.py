"""The API keeps the contract of its OpenAPI document: the short run of ``make drill-api``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api_contract.drill import LEFT_OUT, SHORT, run
from support.stack import Stack, running_stack


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with running_stack("postgres", "broker", "auth-api") as made:
        yield made


@pytest.mark.timeout(300)  # half a minute on an idle machine
def test_api_keeps_the_contract_of_its_document_for_every_call(stack: Stack, tmp_path: Path) -> None:
    done = run(stack, SHORT, tmp_path)
    assert done.returncode == 0, f"{done.stdout[-6_000:]}\n{done.stderr[-2_000:]}"
    document = httpx.get(f"{stack.address}/api/schema").json()
    calls = sum(len(item) for path, item in document["paths"].items() if path not in LEFT_OUT)
    tested = re.search(r"Operations:\s+(\d+) selected", done.stdout)
    assert tested, done.stdout
    assert int(tested[1]) == calls > 40
