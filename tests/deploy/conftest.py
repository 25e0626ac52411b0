"""What the tests of the deployment's scripts share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pulse_auth.db.migrate import migrate
from pulse_auth.db.session import make_engine
from support.database import run_apart
from support.own_postgres import ROLES, OwnPostgres, own_postgres


@pytest.fixture(scope="module")
def server() -> Iterator[OwnPostgres]:
    """A PostgreSQL like the deployment's, with the schema; one for each file of tests."""

    async def prepare(made: OwnPostgres) -> None:
        password = (made.secrets / ROLES["pulse_auth"]).read_text().strip()
        engine = make_engine(made.dsn("pulse_auth").replace("@", f":{password}@", 1))
        await migrate(engine)
        await engine.dispose()

    with own_postgres() as made:
        run_apart(prepare(made))
        yield made
