"""What the emitters write, as far as a reader of it depends on it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from pulse_acl.emit.asyncapi import asyncapi_yaml
from pulse_acl.emit.emqx_acl import acl_conf
from pulse_acl.emit.json_schema import json_schemas
from pulse_acl.emit.markdown import replace_section, table
from pulse_acl.emit.topic_table import topic_page
from pulse_acl.emit.typescript_payloads import payloads_ts
from pulse_acl.emit.typescript_topics import topics_ts
from pulse_acl.payloads import PAYLOADS
from pulse_acl.topics import TOPICS, Topic


def _terms() -> list[str]:
    return [line for line in acl_conf().splitlines() if line and not line.startswith("%%")]


def test_acl_conf_ends_with_deny_of_everything() -> None:
    assert acl_conf().endswith("\n{deny, all}.\n")


def test_acl_conf_allows_nobody_anything_and_is_erlang_terms() -> None:
    assert all(
        re.fullmatch(r"\{deny, all(, (publish|subscribe|all), \[\"[^\"]+\"(, \"[^\"]+\")*\])?\}\.", line)
        for line in _terms()
    )


def test_acl_conf_protects_what_the_broker_attests() -> None:
    assert '{deny, all, publish, ["audit/command"]}.' in _terms()


_EXAMPLES = {name: f'{{"example_of": "{name}"}}' for name in PAYLOADS}


def _document() -> dict[str, Any]:
    found = yaml.safe_load(asyncapi_yaml(_EXAMPLES))
    assert isinstance(found, dict)
    return found


def test_asyncapi_has_every_topic_payload_and_server() -> None:
    document = _document()
    assert document["asyncapi"] == "3.0.0"
    assert [channel["address"] for channel in document["channels"].values()] == [topic.value for topic in Topic]
    assert set(document["components"]["messages"]) == set(PAYLOADS)
    assert set(document["components"]["schemas"]) >= set(PAYLOADS)
    shown = {name: message["examples"][0]["payload"] for name, message in document["components"]["messages"].items()}
    assert shown == {name: {"example_of": name} for name in PAYLOADS}
    assert {server["protocol"] for server in document["servers"].values()} == {"secure-mqtt", "ws", "wss"}


def test_asyncapi_every_reference_leads_somewhere() -> None:
    document = _document()
    references = set(re.findall(r"\$ref: ['\"]?(#[^'\"\s]+)", asyncapi_yaml(_EXAMPLES)))
    assert len(references) > 40
    for reference in references:
        found: Any = document
        for key in reference.removeprefix("#/").split("/"):
            found = found[key]


def test_asyncapi_operations_have_quality_and_retention_of_the_table() -> None:
    operations = _document()["operations"]
    assert operations["device.send.heartbeat"]["bindings"]["mqtt"] == {
        "qos": 1,
        "retain": True,
        "bindingVersion": "0.2.0",
    }
    assert operations["device.send.telemetry_live"]["bindings"]["mqtt"]["retain"] is False
    assert "broker.send.audit_command" in operations
    assert "integrators.receive.telemetry_live" in operations
    assert sum(len(row.readers) + len(row.sender.split(", ")) for row in TOPICS) == len(operations)


def test_json_schemas_one_document_for_each_payload() -> None:
    schemas = {name: json.loads(text) for name, text in json_schemas().items()}
    assert set(schemas) == {f"{name}.schema.json" for name in PAYLOADS}
    assert all(schema["$schema"].endswith("2020-12/schema") for schema in schemas.values())


def test_typescript_has_type_and_validator_for_each_payload() -> None:
    text = payloads_ts()
    for name in PAYLOADS:
        assert f"export interface {name} {{" in text
        assert f"export function parse{name}(value: unknown): Result<{name}>" in text


def test_typescript_numbers_of_readings_are_exact_and_counts_are_plain() -> None:
    text = payloads_ts()
    assert text.count("readonly sequence_no: bigint;") == 4
    assert "readonly last_sequence_no: bigint | null;" in text
    assert "readonly pending: number | null;" in text
    assert "readonly metrics: ReadonlyMap<string, MetricValue>;" in text


def test_typescript_topics_have_every_template() -> None:
    text = topics_ts()
    assert all(f'  {topic.name}: "{topic.value}",' in text for topic in Topic)


def _page(*names: str) -> str:
    return "# Page\n\n" + "\n".join(
        f"<!-- begin: {name} (generated) -->\nold\n<!-- end: {name} -->\n" for name in names
    )


def test_topic_page_sections_are_written_between_markers_only() -> None:
    page = topic_page(_page("topics", "payloads", "permissions", "roles", "parts"), dict.fromkeys(PAYLOADS, "{}"))
    assert page.startswith("# Page\n")
    assert "old" not in page
    assert all(f"`{topic.value}`" in page for topic in Topic)
    assert all(f"### {name}" in page for name in PAYLOADS)


@pytest.mark.parametrize("page", ["", _page("a") * 2, "<!-- begin: a (generated) -->\n"])
def test_replace_section_without_one_pair_of_markers_is_refused(page: str) -> None:
    with pytest.raises(ValueError, match="exactly one pair of markers for a"):
        replace_section(page, "a", "new")


def test_replace_section_twice_changes_nothing_more() -> None:
    once = replace_section(_page("a", "b"), "a", r"back\slash \1")
    assert replace_section(once, "a", r"back\slash \1") == once
    assert "old" in once
    assert r"back\slash \1" in once


def test_table_bars_in_cells_are_escaped() -> None:
    assert table(["a", "b"], [["x|y", "z"]]).splitlines()[-1] == r"| x\|y | z |"
