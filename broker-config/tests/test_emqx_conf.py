"""
What ``emqx.conf`` promises, read as EMQX reads it (HOCON), and what it has to agree on with the rest of the project.

That EMQX takes the file is not shown here, as no EMQX runs here; what a real one did with these settings is in
``broker-config/conformance``.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pyhocon import ConfigFactory, ConfigTree

from pulse_acl.emit.emqx_acl import acl_conf
from pulse_acl.payloads import AuditRecord
from pulse_acl.topics import TOPICS, Topic, TopicSpec
from pulse_broker.access import MAX_TOPIC_LEVELS
from pulse_broker.sessions import MAX_SUBSCRIPTIONS
from pulse_broker.tokens import AUDIENCE
from pulse_runtime.environment import VARIABLES

FOLDER = Path(__file__).resolve().parents[1]
FILE = FOLDER / "emqx.conf"
ABSENT = object()
SECRET = re.compile(r"(password|secret|cookie|token|key)\s*=\s*\"?[^\s\"{]{8,}", re.IGNORECASE)


@pytest.fixture(scope="module")
def conf() -> ConfigTree:
    return ConfigFactory.parse_file(FILE)


PROMISES = {
    "nothing in clear text": {
        "listeners.tcp.default.enable": False,
        "listeners.ws.default.enable": False,
    },
    "TLS 1.2 and newer, and no handshake without end": {
        f"listeners.{kind}.default.ssl_options.{name}": value
        for kind in ("ssl", "wss")
        for name, value in {
            "versions": ["tlsv1.3", "tlsv1.2"],
            "handshake_timeout": "5s",
            "client_renegotiation": False,
        }.items()
    },
    "browsers reach it at /mqtt with the subprotocol": {
        "listeners.wss.default.websocket.mqtt_path": "/mqtt",
        "listeners.wss.default.websocket.fail_if_no_subprotocol": True,
    },
    "what no rule allows is denied, and nothing is remembered": {
        "authorization.no_match": "deny",
        "authorization.deny_action": "ignore",
        "authorization.cache.enable": False,
    },
    "no message is kept back to be sent later": {"delayed.enable": False},
    "retained messages outlive a restart": {"retainer.enable": True, "retainer.backend.storage_type": "disc"},
    "the worker and slow browsers are not cut off": {
        "mqtt.max_inflight": 1000,
        "mqtt.max_mqueue_len": 100_000,
        "mqtt.shared_subscription_strategy": "hash_clientid",
        "force_shutdown.max_mailbox_size": 100_000,
        "force_shutdown.max_heap_size": "512MB",
    },
    "packets, ids and subscriptions are bounded": {
        "mqtt.idle_timeout": "5s",
        "mqtt.max_packet_size": "1MB",
        "mqtt.max_clientid_len": 256,
        "mqtt.max_subscriptions": MAX_SUBSCRIPTIONS,
    },
    "connections and their rate are bounded": {
        "listeners.ssl.default.max_connections": 40_000,
        "listeners.ssl.default.max_conn_rate": "400/s",
        "listeners.wss.default.max_connections": 4_000,
        "listeners.wss.default.max_conn_rate": "400/s",
    },
    "the management interface is on loopback, for no page, with a key from a file": {
        "dashboard.listeners.http.bind": "127.0.0.1:18083",
        "dashboard.listeners.https": ABSENT,
        "dashboard.cors": False,
        "dashboard.swagger_support": False,
        "dashboard.default_password": ABSENT,
        "api_key.bootstrap_file": "etc/api_keys",
    },
    "figures are for who has the key, and nothing goes to the maker": {
        "prometheus.enable_basic_auth": True,
        "telemetry.enable": False,
    },
    "no bans but the auth API's": {"flapping_detect.enable": False},
    "logs are JSON": {"log.console.formatter": "json", "log.console.enable": True},
}


@pytest.mark.parametrize("promise", PROMISES)
def test_emqx_conf_keeps_its_promise(conf: ConfigTree, promise: str) -> None:
    found = {path: conf.get(path, ABSENT) for path in PROMISES[promise]}
    assert found == PROMISES[promise]


def test_emqx_conf_lets_in_by_token_alone(conf: ConfigTree) -> None:
    (chain,) = conf["authentication"]
    claims = {"client_id": "${clientid}", "username": "${username}", "iss": _default("PULSE_TOKEN_ISSUER")}
    assert dict(chain["verify_claims"]) == claims | {"aud": AUDIENCE}
    told = {name: value for name, value in chain.items() if name != "verify_claims"}
    assert told == {
        "mechanism": "jwt",
        "enable": True,
        "from": "password",
        "use_jwks": True,
        "endpoint": "http://auth-api:8080/.well-known/jwks.json",
        "refresh_interval": 10,
        "disconnect_after_expire": True,
        "acl_claim_name": "acl",
    }
    for kind, listeners in conf["listeners"].items():
        for name, listener in listeners.items():
            assert listener.get("enable_authn", True) is True, f"{kind}.{name} lets anybody in"


def test_emqx_conf_listens_for_devices_and_browsers_and_nowhere_else(conf: ConfigTree) -> None:
    on = {
        f"{kind}.{name}": listener["bind"]
        for kind, listeners in conf["listeners"].items()
        for name, listener in listeners.items()
        if listener.get("enable", True)
    }
    assert on == {"ssl.default": "0.0.0.0:8883", "wss.default": "0.0.0.0:8084"}
    assert {"gateway", "bridges", "connectors", "plugins", "exhook"}.isdisjoint(conf)


def test_emqx_conf_asks_the_generated_file_and_that_denies_everything(conf: ConfigTree) -> None:
    assert [dict(source) for source in conf["authorization.sources"]] == [
        {"type": "file", "enable": True, "path": "etc/acl.conf"}
    ]
    written = (FOLDER / "acl.conf").read_text()
    assert written == acl_conf(), "make generate"
    rules = [line for line in written.splitlines() if line and not line.startswith("%%")]
    assert rules[-1] == "{deny, all}."
    assert all(rule.startswith("{deny, ") for rule in rules)


def test_emqx_conf_topic_levels_are_enough_for_the_contract_and_fewer_than_the_default(conf: ConfigTree) -> None:
    deepest = max(str(topic).count("/") + 1 for topic in Topic) + len(("$share", "group"))
    assert deepest <= conf["mqtt.max_topic_levels"] < MAX_TOPIC_LEVELS


def test_emqx_conf_attests_each_command_and_no_result(conf: ConfigTree) -> None:
    rule = conf["rule_engine.rules.command_audit"]
    selected = re.match(r'SELECT (.+) FROM "command/\+/\+" WHERE (.+)$', rule["sql"].replace('\\"', '"'))
    assert selected is not None
    assert selected[2] == "nth(3, tokens(topic, '/')) != 'result'"
    columns = re.sub(r"format_date\([^)]*\)", "formatted", selected[1]).split(", ")
    assert [one.rpartition(" ")[2] for one in columns] == list(AuditRecord.__struct_fields__)
    (action,) = rule["actions"]
    told = {"topic": _attested().topic.value, "qos": 1, "retain": False, "payload": "${.}", "direct_dispatch": False}
    assert (action["function"], dict(action["args"]), rule["enable"]) == ("republish", told, True)


def test_emqx_conf_retained_publishes_of_the_largest_plan_are_all_stored(conf: ConfigTree) -> None:
    devices, heartbeat_every_s = 10_000, 5
    stored, _, unit = conf["retainer.max_publish_rate"].partition("/")
    assert unit == "s"
    assert int(stored) >= 2 * devices / heartbeat_every_s
    assert conf["retainer.backend.max_retained_messages"] >= 2 * devices
    assert int(conf["listeners.ssl.default.max_connections"]) >= 2 * devices


def test_emqx_conf_holds_no_secret() -> None:
    for line in FILE.read_text().splitlines():
        if not line.lstrip().startswith("##"):
            assert not SECRET.search(line.replace('keyfile = "etc/certs/server-key.pem"', "")), line


def _attested() -> TopicSpec:
    (found,) = (spec for spec in TOPICS if spec.sender == "broker")
    return found


def _default(name: str) -> str:
    (found,) = (variable.default for variable in VARIABLES if variable.name == name)
    return found


def test_hocon_reader_reads_what_json_says() -> None:
    """The reader itself, so that a promise cannot be kept by a misreading."""
    told: dict[str, Any] = {"a": {"b": [1, True, "${not_replaced}"], "c": "5s"}}
    assert json.loads(json.dumps(ConfigFactory.parse_string(json.dumps(told)))) == told
    joined = ConfigFactory.parse_string('a.b { c = "5s" }\na { b { d = 1 } }')
    assert json.loads(json.dumps(joined)) == {"a": {"b": {"c": "5s", "d": 1}}}
