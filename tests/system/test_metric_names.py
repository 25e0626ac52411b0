"""The dashboard and the alert rules name only metrics and labels that the programs really expose."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from pulse_auth.app import create_app
from pulse_auth.settings import Settings, default_paths
from pulse_broker.metrics import Metrics as BrokerMetrics
from pulse_ingest.measures import Measures

ROOT = Path(__file__).resolve().parents[2]
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"
SCRAPES = {
    "prometheus.yaml": {"pulse-auth-api", "pulse-ingest", "pulse-broker"},
    "compose.yaml": {"pulse-auth-api", "pulse-ingest", "pulse-emqx"},
}
BOARD = ROOT / "deploy" / "grafana" / "precisionpulse.json"
# Prometheus' own: for each target, and for each alert.
GIVEN = {"up": {"job", "instance"}, "ALERTS": {"alertname", "alertstate", "severity"}}
# EMQX's, without labels, as its source lists them: emqx/emqx, apps/emqx_prometheus/src/emqx_prometheus.erl.
EMQX = (
    "emqx_live_connections_count",
    "emqx_messages_received",
    "emqx_messages_sent",
    "emqx_delivery_dropped_queue_full",
    "emqx_authentication_failure",
    "emqx_packets_publish_auth_error",
    "emqx_retained_count",
)
_NAME = re.compile(r"\b(?:(?:pulse|process|emqx)_[a-z0-9_]+|ALERTS)\b")
_MATCHER = re.compile(r"\b([a-zA-Z_]+)\{([^}]*)\}")
_LABEL = re.compile(r"(\w+)\s*[=!]~?")
_SHOWN = re.compile(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}")


def exposed(text: str) -> dict[str, set[str]]:
    """Return every sample's name with its labels, also of metrics that have no sample yet."""
    found: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}.get(family.type, [""])
        for suffix in suffixes:
            found.setdefault(family.name + suffix, set())
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.fixture(scope="module")
def metrics(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """What the three programs expose, with one sample for each metric that has labels."""
    ingest = Measures()
    ingest.refused.labels("135").inc()
    broker = BrokerMetrics()
    for counter in vars(broker).values():
        if getattr(counter, "_labelnames", None):
            counter.labels("word").inc()
    home = tmp_path_factory.mktemp("home")
    settings = Settings(**default_paths(home), external_dsn="postgresql://nobody@127.0.0.1:1/none")
    app = create_app(settings)
    own = next(provided.dependency() for name, provided in app.dependencies.items() if name == "metrics")
    own.requests.labels("GET", "/x", "200").inc()
    own.durations.labels("/x").observe(0.1)
    texts = [ingest.exposition(), broker.exposition(), own.text()]
    return {name: labels for text in texts for name, labels in exposed(text.decode()).items()}


def alerts() -> list[dict[str, Any]]:
    document = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def board() -> list[tuple[str, str]]:
    """Return the dashboard's expressions with their legends."""
    document = json.loads(BOARD.read_text(encoding="utf-8"))
    return [(one["expr"], one["legendFormat"]) for panel in document["panels"] for one in panel["targets"]]


def unknown(expression: str, shown: str, metrics: dict[str, set[str]]) -> list[str]:
    """Return the metrics and labels in *expression*, and the labels *shown*, that nobody exposes."""
    known = metrics | GIVEN | {name: set[str]() for name in EMQX}
    names = set(_NAME.findall(expression))
    wrong = sorted(names - known.keys())
    given = {"job", "instance", "le"}
    for name, matchers in _MATCHER.findall(expression):
        wrong += [
            f"{name}{{{label}}}" for label in _LABEL.findall(matchers) if label not in known.get(name, set()) | given
        ]
    labels = set[str]().union(given, *(known.get(name, set()) for name in names))
    return wrong + [f"{{{{{label}}}}}" for label in _SHOWN.findall(shown) if label not in labels]


def test_alert_rules_name_only_what_the_programs_expose(metrics: dict[str, set[str]]) -> None:
    wrong = {rule["alert"]: unknown(rule["expr"], rule["annotations"]["summary"], metrics) for rule in alerts()}
    assert {name: names for name, names in wrong.items() if names} == {}


def test_dashboard_names_only_what_the_programs_expose(metrics: dict[str, set[str]]) -> None:
    wrong = {expression: unknown(expression, legend, metrics) for expression, legend in board()}
    assert {name: names for name, names in wrong.items() if names} == {}
    assert len(wrong) > 25


def test_dashboard_asks_for_a_state_as_it_is_now_and_not_for_its_last_one_within_the_hour_shown() -> None:
    panels = [one for one in json.loads(BOARD.read_text(encoding="utf-8"))["panels"] if one["type"] == "stat"]
    asked = {one["title"]: {(to.get("instant"), to.get("range")) for to in one["targets"]} for one in panels}
    assert {title: how for title, how in asked.items() if how != {(True, False)}} == {}
    assert len(asked) > 4


def test_unknown_finds_a_wrong_metric_a_wrong_label_and_a_wrong_legend(metrics: dict[str, set[str]]) -> None:
    assert unknown("pulse_ingest_dropped > 0", "", metrics) == ["pulse_ingest_dropped"]
    assert unknown('pulse_devices{status="ONLINE"}', "", metrics) == ["pulse_devices{status}"]
    assert unknown("pulse_devices", "{{status}}", metrics) == ["{{status}}"]
    assert unknown("emqx_messages_dropped_by_magic", "", metrics) == ["emqx_messages_dropped_by_magic"]
    assert unknown('pulse_http_requests_total{status=~"5.."}', "{{ $labels.route }}", metrics) == []


def test_alert_rules_say_how_urgent_and_which_page_helps() -> None:
    rules = alerts()
    assert len({rule["alert"] for rule in rules}) == len(rules) > 10
    for rule in rules:
        assert rule["labels"]["severity"] in {"page", "ticket"}, rule["alert"]
        page, _, section = rule["annotations"]["runbook"].partition("#")
        headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
        assert not section or section in {one.lower().replace(" ", "-") for one in headings}, rule["alert"]


def test_every_job_that_is_asked_has_one_rule_for_when_it_does_not_answer() -> None:
    matchers = [found[1] for rule in alerts() if (found := re.fullmatch(r'up\{job=~?"(.+)"\} == 0', rule["expr"]))]
    for job in set().union(*SCRAPES.values()):
        assert sum(bool(re.fullmatch(one, job)) for one in matchers) == 1, job


@pytest.mark.parametrize(("name", "jobs"), SCRAPES.items())
def test_scrape_jobs_are_those_that_rules_and_dashboard_go_by(name: str, jobs: set[str]) -> None:
    document = yaml.safe_load(ALERTS.with_name(name).read_text(encoding="utf-8"))
    assert {job["job_name"] for job in document["scrape_configs"]} == jobs
    assert document["rule_files"] == [ALERTS.name]
