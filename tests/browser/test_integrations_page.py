"""The integrations page: a token made, used with its own ready-made commands, and revoked; refusals at their field."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from support.accounts import psql
from support.dashboard import make_person, open_page, serious_faults
from support.integrations_page import SHELL, make, open_form, printing, text_of
from support.stack import Stack
from support.waiting import until


def row(page: Page, name: str) -> str:
    return page.get_by_test_id("integration").filter(has_text=name).inner_text()


def test_integration_made_in_the_page_reads_with_its_python_recipe_until_it_is_revoked_item_4(
    page: Page, plant: Stack, tmp_path: Path
) -> None:
    open_page(page, plant, "/integrations/")
    make(page, "erp")
    token = text_of(page, "integration-token")
    assert token.startswith("eyJ")
    page.get_by_test_id("tab-python").click()
    files, script = text_of(page, "recipe-python-files"), text_of(page, "recipe-python")
    subprocess.run([*SHELL, files], cwd=tmp_path, check=True, timeout=20)
    assert (tmp_path / "erp.token").read_text() == token
    assert (tmp_path / "erp.token").stat().st_mode & 0o077 == 0
    (tmp_path / "read.py").write_text(script)
    with printing([sys.executable, "read.py"], tmp_path) as printed:
        until(lambda: "/live {" in printed.read_text(), within_s=15, what="a reading comes to the program")
        page.get_by_test_id("token-stored").click()
        expect(page.get_by_test_id("integration").filter(has_text="erp")).to_contain_text("Active")
        assert token not in page.content(), "the token is shown once"
        page.get_by_label("Revoke erp").click()
        expect(page.get_by_role("dialog")).to_contain_text("cut off from the broker at once")
        page.get_by_test_id("confirm").click()
        expect(page.get_by_test_id("integration").filter(has_text="erp")).to_contain_text("Revoked", timeout=10_000)
        # It tries again by itself, and is told no.
        until(lambda: "Not authorized" in printed.read_text(), within_s=15, what="the program is refused")
    assert page.get_by_label("Revoke erp").count() == 0


def test_recipes_of_mqttx_and_node_red_hold_what_connects_item_4(page: Page, plant: Stack) -> None:
    open_page(page, plant, "/integrations/")
    make(page, "flows")
    token, port = text_of(page, "integration-token"), plant.ports["PULSE_MQTTS_PORT"]
    page.get_by_test_id("tab-node-red").click()
    nodes = {node["type"]: node for node in json.loads(text_of(page, "recipe-node-red"))}
    broker = nodes["mqtt-broker"]
    assert broker["credentials"] == {"user": "integration:flows", "password": token}
    assert (broker["broker"], broker["port"], broker["protocolVersion"]) == ("127.0.0.1", str(port), "4")
    assert broker["tls"] == nodes["tls-config"]["id"]
    assert nodes["tls-config"]["credentials"]["cadata"].startswith("-----BEGIN CERTIFICATE")
    assert (nodes["mqtt in"]["topic"], nodes["mqtt in"]["broker"]) == ("telemetry/+/live", broker["id"])
    page.get_by_test_id("tab-mqttx").click()
    assert f"-p {port} -l mqtts --ca ca.pem -V 3.1.1" in text_of(page, "recipe-mqttx")
    assert broker["clientid"] in page.get_by_test_id("recipe-mqttx-fields").inner_text()
    # Closing by accident must not lose what cannot be shown again.
    page.keyboard.press("Escape")
    expect(page.get_by_role("alert").filter(has_text="cannot be shown again")).to_be_visible()
    expect(page.get_by_test_id("integration-token")).to_have_text(token)


def test_topic_outside_the_makers_rights_is_refused_at_its_field_item_4(page: Page, plant: Stack) -> None:
    rights = ["MANAGE_INTEGRATIONS", "VIEW_DASHBOARD"]
    role = plant.admin.post("/roles", json={"name": "INTEGRATOR", "permissions": rights})
    assert role.is_success, role.text
    make_person(plant, "ida", "INTEGRATOR")
    open_page(page, plant, "/integrations/", "ida")
    open_form(page, "too-much")
    assert page.get_by_label("Commands", exact=True).count() == 0, "what she may not read is not offered"
    for filter_ in ("audit/command", "telemetry/#"):
        page.get_by_test_id("topic-filter").fill(filter_)
        page.get_by_test_id("topic-add").click()
        expect(page.get_by_test_id("field-error")).to_contain_text(f"may not subscribe to {filter_}")
    assert page.get_by_test_id("chosen-topic").count() == 0
    page.get_by_test_id("topic-filter").fill("telemetry/press-1/live")
    page.get_by_test_id("topic-add").click()
    expect(page.get_by_test_id("chosen-topic")).to_have_text("telemetry/press-1/live")
    # The right goes while the form is open: the server's refusal stands at the field as well.
    narrowed = plant.admin.patch(
        f"/roles/{role.json()['id']}",
        json={"permissions": ["MANAGE_INTEGRATIONS"]},
        headers={"if-match": role.headers["etag"]},
    )
    assert narrowed.is_success, narrowed.text
    page.get_by_test_id("integration-create").click()
    expect(page.get_by_test_id("field-error")).to_contain_text("You may not subscribe to telemetry/press-1/live")
    page.get_by_test_id("integration-name").fill("not a name")
    page.get_by_test_id("integration-days").fill("366")
    page.get_by_test_id("integration-create").click()
    expect(page.get_by_test_id("field-error").nth(0)).to_contain_text("A name is")
    expect(page.get_by_test_id("field-error").nth(1)).to_contain_text("1 to 365")


def test_tokens_that_expire_soon_and_have_expired_are_marked_item_4(page: Page, plant: Stack) -> None:
    for name, days in (("short-lived", 1), ("long-gone", 30)):
        body = {"name": name, "topics": ["heartbeat/+"], "lifetime_days": days}
        assert plant.admin.post("/integrations", json=body).is_success
    psql(plant, "UPDATE integrations SET expires_at = now() - interval '1 hour' WHERE name = 'long-gone' RETURNING 1")
    open_page(page, plant, "/integrations/")
    expect(page.get_by_test_id("integration").filter(has_text="short-lived")).to_contain_text("Expires in 23 h")
    assert "Expired" in row(page, "long-gone")
    assert page.get_by_label("Revoke long-gone").count() == 0
    assert page.get_by_label("Revoke short-lived").count() == 1


def test_integrations_are_not_offered_to_who_may_not_make_them_item_5(page: Page, plant: Stack) -> None:
    open_page(page, plant, "/integrations/", "vera")
    expect(page.get_by_test_id("forbidden")).to_contain_text("MANAGE_INTEGRATIONS")
    assert page.get_by_role("navigation").get_by_text("Integrations").count() == 0


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_nothing_serious_on_the_integrations_item_7(page: Page, plant: Stack, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    open_page(page, plant, "/integrations/")
    name = f"seen-by-axe-{scheme}"
    open_form(page, name)
    page.get_by_test_id("topic-filter").fill("sync/#")
    page.get_by_test_id("topic-add").click()
    expect(page.get_by_test_id("field-error")).to_be_visible()
    assert serious_faults(page) == []
    page.get_by_label("Heartbeats", exact=True).click()
    page.get_by_test_id("integration-create").click()
    expect(page.get_by_test_id("integration-token")).to_be_visible(timeout=10_000)
    assert serious_faults(page) == []
    page.get_by_test_id("token-stored").click()
    expect(page.get_by_test_id("integration").filter(has_text=name)).to_be_visible()
    assert serious_faults(page) == []
