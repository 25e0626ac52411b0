"""
The worker's use of MQTT 5 against what a real EMQX was seen to do (``emqx_observed.json``).

Data, no broker: what the worker asks for and what it makes of answers has to agree with the observations.
"""

import json
import re
from pathlib import Path
from typing import Any

from pulse_acl.rules import Action, ingest_rules
from pulse_ingest import link
from pulse_ingest.subscriber import RECEIVE_MAXIMUM, REFUSED, TAKEN_OVER

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
GROUP = re.compile(r"^\$share/(?P<group>[^/+#]+)/(?P<filter>.+)$")
GROUP_NAME = "ingest-5f"


def observed(case: str, version: str = "5.0") -> Any:
    """Return what was seen in the one case whose name begins so."""
    cases = json.loads((HERE / "emqx_observed.json").read_text())["cases"]
    (found,) = [one for one in cases if one["case"].startswith(case) and one["mqtt_version"] == version]
    return found["observed"]


def filters(*, mqtt5: bool) -> list[str]:
    made = link.Link.__new__(link.Link)
    made._mqtt5 = mqtt5
    return made._filters(GROUP_NAME)


def test_filters_shared_ones_are_judged_as_what_is_behind_the_group() -> None:
    seen = observed('SUBSCRIBE filters against one allow-subscribe rule "t/#"')
    assert (seen["$share/g/t/1"], seen["$share/other/t/#"], seen["$share/g/x/1"]) == ("allow", "allow", 135)
    allowed = {rule.topic_filter for rule in ingest_rules("1") if rule.action is Action.SUBSCRIBE}
    for one in filters(mqtt5=True):
        found = GROUP.match(one)
        assert (found["filter"] if found else one) in allowed, one


def test_filters_everything_is_shared_but_the_own_status() -> None:
    shared = {found["filter"] for one in filters(mqtt5=True) if (found := GROUP.match(one))}
    assert shared == set(link.FILTERS)
    # A sign of life has to come back to the worker that gave it, not to any of the group.
    assert set(filters(mqtt5=True)) - {f"$share/{GROUP_NAME}/{one}" for one in shared} == {"system/ingest/+/status"}
    assert not [one for one in filters(mqtt5=False) if one.startswith("$")], "the embedded broker shares nothing"


def test_reason_codes_a_refusal_is_seen_on_mqtt_5_only_case_9() -> None:
    case = "publish to a denied topic, QoS 1"
    assert observed(case)["answer"]["puback"] >= REFUSED
    assert observed(case, "3.1.1")["answer"] == {"puback": 0, "puback_len": 2}, "looks like success"


def test_reason_codes_a_taken_over_connection_is_told_so_case_40() -> None:
    seen = observed("second connection with the same client id")["old saw"]
    assert seen["disconnect"] == TAKEN_OVER
    assert "PULSE_INSTANCE" in link._end_of(TAKEN_OVER)


def test_receive_maximum_is_no_more_than_the_broker_gives() -> None:
    configured = (ROOT / "broker-config" / "emqx.conf").read_text()
    given = re.search(r"^\s*max_inflight = (\d+)$", configured, re.MULTILINE)
    assert given is not None
    assert int(given[1]) >= RECEIVE_MAXIMUM
