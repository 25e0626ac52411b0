"""What is made of the fate of a transaction, as PostgreSQL tells it."""

from typing import Any

import pytest

from pulse_ingest.errors import StorageUnavailable
from pulse_ingest.lost_answer import LostAnswer
from pulse_ingest.sql import QUERIES


class Connection:
    """Numbers its transactions and says of each what the test says."""

    def __init__(self, state: str | None) -> None:
        self.state, self.asked = state, []

    async def fetchval(self, query: str, *args: Any) -> Any:
        if query == QUERIES["current_transaction"]:
            return "4711"
        self.asked.append(args)
        return self.state


@pytest.mark.parametrize(("state", "outcome"), [("committed", "done"), ("aborted", None), (None, None)])
async def test_outcome_is_that_of_a_committed_transaction_only(state: str | None, outcome: str | None) -> None:
    answer, conn, batch = LostAnswer[str](), Connection(state), object()
    await answer.expect(conn, batch, "done")
    assert await answer.outcome(conn, batch) == outcome
    assert conn.asked == [("4711",)]


async def test_outcome_of_a_transaction_that_has_not_ended_is_not_guessed() -> None:
    answer, conn, batch = LostAnswer[str](), Connection("in progress"), object()
    await answer.expect(conn, batch, "done")
    with pytest.raises(StorageUnavailable, match="not ended"):
        await answer.outcome(conn, batch)


async def test_outcome_of_another_batch_or_after_an_answer_is_not_asked_for() -> None:
    answer, conn, batch = LostAnswer[str](), Connection("committed"), [1]
    await answer.expect(conn, batch, "done")
    assert await answer.outcome(conn, [1]) is None, "equal, and yet another message"
    answer.came()
    assert await answer.outcome(conn, batch) is None
    assert conn.asked == []
