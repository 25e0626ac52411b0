"""Every query is named, described and used."""

from pathlib import Path

import pulse_ingest
from pulse_ingest.sql import QUERIES, read_queries


def test_read_queries_every_name_has_a_statement_and_is_used() -> None:
    source = "".join(file.read_text(encoding="utf-8") for file in Path(pulse_ingest.__file__).parent.glob("*.py"))
    assert read_queries() == QUERIES
    assert len(QUERIES) > 10
    unused = [name for name in QUERIES if f'"{name}"' not in source]
    assert unused == []
    assert not any("--" in statement for statement in QUERIES.values())
