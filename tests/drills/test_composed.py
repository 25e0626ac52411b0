"""What the images' drill makes of compose.yaml, and what it would see; it is run by ``make drill-images``."""

from __future__ import annotations

import os
import re
import socket
import struct
import time
from pathlib import Path

import pytest

from drills.composed import Composition, ImageConfig, Service, identity_of, read_composition, seconds
from drills.site import Container
from drills.wires import answer, read_names
from support.processes import ROOT

HOST = "pulse.example.org"
IMAGE = ImageConfig(["program"], ["serve"], "10001:10001", "SIGTERM")
NAMES = {"auth-api": "172.30.57.2"}


@pytest.fixture(scope="module")
def composition() -> Composition:
    return read_composition(HOST)


def service(**more: object) -> Service:
    labels = {"precisionpulse.kind": "service"}
    return Service("it", {"image": "it:1", "user": "5:6", "labels": labels, "stop_grace_period": "30s", **more})


def question(name: str, kind: int) -> bytes:
    labels = b"".join(bytes([len(one)]) + one.encode() for one in name.split("."))
    return b"\x12\x34" + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", kind, 1)


def test_images_of_compose_are_three_and_end_as_the_user_it_gives_them(composition: Composition) -> None:
    images = composition.images()
    assert sorted(images.values()) == ["auth-api/Dockerfile", "deploy/edge/Dockerfile", "ingest-worker/Dockerfile"]
    for one in composition.services.values():
        if one.image in images:
            text = (ROOT / images[one.image]).read_text(encoding="utf-8")
            assert re.findall(r"^USER (.+)$", text, re.MULTILINE)[-1] == one.user, one.name


def test_services_are_those_that_run_without_a_profile_and_the_jobs(composition: Composition) -> None:
    assert composition.services.keys() >= {"auth-api", "ingest-worker", "edge", "backup", "reconcile"}
    assert not composition.services.keys() & {"prometheus", "grafana"}


@pytest.mark.parametrize(
    ("described", "expected"),
    [
        ({}, ["program", "serve"]),
        ({"command": ["migrate"]}, ["program", "migrate"]),
        ({"command": []}, ["program"]),
        ({"entrypoint": ["/start.sh"]}, ["/start.sh"]),
        ({"entrypoint": ["/start.sh"], "command": ["now"]}, ["/start.sh", "now"]),
    ],
)
def test_argv_is_that_of_an_engine(described: dict[str, object], expected: list[str]) -> None:
    assert service(**described).argv(IMAGE) == expected


def test_edge_is_a_member_of_the_images_group_without_any_privilege(composition: Composition) -> None:
    command = " ".join(composition.services["edge"].as_its_user(["/edge/start.sh"]))
    assert "setpriv --reuid=101 --regid=101 --groups=10001 --no-new-privs" in command
    assert composition.services["edge"].identity()["Groups"] == [10001]
    assert "--clear-groups" in " ".join(composition.services["auth-api"].as_its_user(["x"]))


def test_identity_of_another_program_is_not_that_of_a_container(composition: Composition) -> None:
    found = identity_of(os.getpid())
    assert found.keys() == composition.services["edge"].identity().keys()
    assert found != composition.services["edge"].identity()
    assert found["Uid"] == [os.getuid()] * 4


def test_written_finds_what_lies_outside_of_volumes_and_tmp(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "old").write_text("of the image")
    os.utime(tmp_path / "etc" / "old", (1, 1))
    one = Container(service(volumes=["home:/var/lib/it:rw"]), IMAGE, "it", tmp_path, time.time() - 10)
    for name in ("tmp", "var/lib/it", "run"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "new").write_text("")
    assert one.written() == ["/run/new"]


def test_answer_knows_addresses_of_version_4_alone(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 localhost\n172.30.57.2 auth-api api\n")
    names = read_names(hosts)
    assert names == {"localhost": "127.0.0.1", "auth-api": "172.30.57.2", "api": "172.30.57.2"}
    found = answer(question("auth-api", 1), names)
    assert found[:4] == b"\x12\x34\x81\x80"
    assert found[-4:] == socket.inet_aton("172.30.57.2")
    nothing = answer(question("AUTH-API", 28), names)
    assert struct.unpack_from("!HHH", nothing, 2) == (0x8180, 1, 0)
    assert struct.unpack_from("!H", answer(question("evil.example", 1), names), 2) == (0x8183,)


def test_seconds_of_composes_durations() -> None:
    assert [seconds(one) for one in ("30s", "1m", "1m30s", "2h")] == [30, 60, 90, 7200]
