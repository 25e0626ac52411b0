"""The monitoring of compose.yaml: Prometheus asks the parts where they answer, its rules fire, Grafana finds them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pulse_ingest.settings import read_settings
from support.processes import ROOT

RULES = ROOT / "deploy" / "prometheus"
HERE = Path(__file__).parent
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]


def promtool(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *map(str, words)], capture_output=True, text=True, check=False)


def mounts(service: str) -> dict[str, str]:
    """Return what stands where in a container, by the place inside."""
    return {inside: source for source, inside, *_ in (one.split(":") for one in COMPOSE[service]["volumes"])}


@pytest.fixture(scope="module")
def jobs() -> dict[str, dict[str, Any]]:
    document = yaml.safe_load((RULES / "compose.yaml").read_text(encoding="utf-8"))
    return {one["job_name"]: one for one in document["scrape_configs"]}


@pytest.mark.parametrize("name", ["compose.yaml", "prometheus.yaml"])
def test_configuration_is_good_for_prometheus(name: str):
    # Without --syntax-only it looks for the keys' files, which are in the containers.
    done = promtool("check", "config", "--syntax-only", RULES / name)
    assert done.returncode == 0, done.stderr


def test_rules_are_good_for_prometheus():
    done = promtool("check", "rules", RULES / "alerts.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["alerts_of_minutes.yaml", "alerts_of_days.yaml"])
def test_rules_fire_when_they_should_and_only_then(name: str):
    done = promtool("test", "rules", HERE / name)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_finds_its_files_and_asks_each_part_where_it_answers(
    jobs: dict[str, dict[str, Any]], tmp_path: Path
):
    inside = mounts("prometheus")
    assert "--config.file=/etc/prometheus/compose.yaml" in COMPOSE["prometheus"]["command"]
    for name in ("compose.yaml", "alerts.yaml"):
        assert inside[f"/etc/prometheus/{name}"] == f"./deploy/prometheus/{name}"
    assert jobs["pulse-auth-api"]["static_configs"] == [{"targets": ["auth-api:8080"]}]
    told = {name: text for name, text in COMPOSE["ingest-worker"]["environment"].items() if "${" not in text}
    worker = read_settings({**told, "PULSE_HOME": str(tmp_path)})
    asked = jobs["pulse-ingest"]["dns_sd_configs"][0]
    assert (asked["names"], asked["type"], asked["port"]) == (["ingest-worker"], "A", worker.metrics_port)
    assert jobs["pulse-ingest"]["authorization"]["credentials_file"] == str(worker.metrics_key_file)
    for service in ("ingest-worker", "prometheus"):
        assert mounts(service)[str(worker.metrics_key_file.parent)] == "secrets-metrics"


def test_prometheus_asks_emqx_without_a_key_and_has_none(jobs: dict[str, dict[str, Any]]):
    emqx, told = jobs["pulse-emqx"], COMPOSE["emqx"]["environment"]
    assert told["EMQX_PROMETHEUS__ENABLE_BASIC_AUTH"] == "false"
    assert emqx["static_configs"] == [{"targets": [f"emqx:{told['EMQX_DASHBOARD__LISTENERS__HTTP__BIND'][-5:]}"]}]
    assert emqx["metrics_path"] == "/api/v5/prometheus/stats"
    assert not emqx.keys() & {"authorization", "basic_auth"}
    assert not {"secrets-emqx", "secrets-auth-api"} & set(mounts("prometheus").values())


def test_grafana_finds_prometheus_its_dashboard_and_its_password():
    folder = "/etc/grafana/provisioning"
    inside = mounts("grafana")
    sources = yaml.safe_load((ROOT / inside[f"{folder}/datasources/precisionpulse.yaml"]).read_text(encoding="utf-8"))
    assert [one["url"] for one in sources["datasources"]] == ["http://prometheus:9090"]
    boards = yaml.safe_load((ROOT / inside[f"{folder}/dashboards/precisionpulse.yaml"]).read_text(encoding="utf-8"))
    board = f"{boards['providers'][0]['options']['path']}/precisionpulse.json"
    told = COMPOSE["grafana"]["environment"]
    assert told["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"] == board
    assert json.loads((ROOT / inside[board]).read_text(encoding="utf-8"))["uid"]
    secret = {name: value for name, value in told.items() if re.search("PASSWORD|KEY", name)}
    assert set(secret) == {"GF_SECURITY_ADMIN_PASSWORD__FILE", "GF_SECURITY_SECRET_KEY__FILE"}
    assert all(inside[str(Path(value).parent)] == "secrets-grafana" for value in secret.values())
