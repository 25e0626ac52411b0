"""Chapters "publish, subscribe, acl formats" and "acl matching": who may say and hear what."""

from __future__ import annotations

import re
from typing import Any

from support.conformance.play import ALL, Play, RefusedError, alive, allow, publish, subscribe
from support.conformance.table import Case

OK = allow("ok/#")


async def denied_publish(play: Play, case: Case) -> Any:
    """Publish where no rule allows it."""
    observer, client = await play.observer(), await play.join(OK)
    answer = await publish(client, "no/1", qos=int(case.name[-1]))
    return {"answer": answer, "connection_after": await alive(client), "routed": await play.told(observer)}


async def allowed_publish(play: Play, _: Case) -> Any:
    """Publish where a rule allows it."""
    observer, client = await play.observer(), await play.join(OK)
    return {"answer": await publish(client, "ok/1"), "routed": await play.routed(observer)}


async def denied_subscribe(play: Play, _: Case) -> Any:
    """Subscribe to what no rule allows."""
    return await subscribe(await play.join(OK), "no/#")


async def mixed_subscribe(play: Play, _: Case) -> Any:
    """Subscribe to an allowed and a denied filter in one packet."""
    return {"answer": await subscribe(await play.join(OK), "ok/#", "no/#")}


async def claim_alone(play: Play, case: Case) -> Any:
    """Connect with a claim, subscribe and publish."""
    claims: dict[str, dict[str, Any]] = {
        "token without an acl claim, no_match=deny + acl.conf {deny, all}": {"acl": None},
        "acl claim is an empty list": {"acl": []},
        "acl claim is an empty object": {"acl": {}},
        "is_superuser: true claim, no acl": {"acl": None, "is_superuser": True},
    }
    observer, name = await play.observer(), play.name()
    token = play.bench.mint.token(name, name, **claims[case.name])
    client = await play.open()
    code, _ = await client.connect(name, name, token)
    if code:
        return {"connack": code}
    answers = {"sub": await subscribe(client, "any/#"), "pub": await publish(client, "any/thing")}
    return {**answers, "routed": await play.routed(observer)}


async def claim_of_another_form(play: Play, case: Case) -> Any:
    """Connect with a claim in a form that this project never writes."""
    forms: dict[str, Any] = {
        'acl v1 {"pub"': {"pub": ["p/${clientid}", "q/+"], "sub": ["s/#"], "all": ["a/b"]},
        "acl v2: ordered": [{"permission": "allow", "action": "pub", "topics": ["p/1"]}],
        "acl v2 with qos": allow("q1", action="publish", qos=1),
        "SUBSCRIBE QoS 2": allow("q", action="subscribe", qos=[0, 1]),
    }
    (acl,) = (form for begin, form in forms.items() if case.name.startswith(begin))
    name = play.name()
    return {"connack": await play.knock(name, name, play.bench.mint.token(name, name, acl=acl))}


async def filters_against_rule(play: Play, case: Case) -> Any:
    """Ask for each filter with the one rule of the case."""
    found, name = {}, play.name()
    client = await play.join(allow(case.config["rule"], action="subscribe"), client_id=name, username="u")
    for asked in case.recorded:
        (code,) = await client.subscribe(asked.replace("<own>", name))
        found[asked] = "allow" if code < 128 else 128
    await client.disconnect()
    return found


async def deny_before_allow(play: Play, case: Case) -> Any:
    """Ask for filters with a deny before an allow."""
    rules = {
        "workaround": [
            {"permission": "deny", "action": "subscribe", "topic": "eq t/#"},
            *allow("t/+", action="subscribe"),
        ],
        'deny "t/#"': [
            {"permission": "deny", "action": "subscribe", "topic": "t/#"},
            *allow("t/+", action="subscribe"),
        ],
        "rule ending": allow("t/+/v", action="subscribe"),
        'rule "z/+/live"': allow("z/+/live", action="subscribe"),
    }
    (acl,) = (rule for begin, rule in rules.items() if case.name.startswith(begin))
    client = await play.join(acl)
    return {asked: await subscribe(client, asked) for asked in case.recorded}


async def wider_filter(play: Play, case: Case) -> Any:
    """Subscribe more widely than the rules name, and look at what is handed out."""
    if case.name.startswith("rule"):
        acl, asked, sent = allow("w/+", action="subscribe"), "w/#", "w/a/b/c"
    else:
        acl = [{"permission": "deny", "action": "all", "topic": "w/secret"}, *allow("w/#", action="subscribe")]
        asked, sent = "w/#", "w/secret"
    client = await play.join([*acl, *allow("marker")])
    await client.subscribe("marker")
    answer = await subscribe(client, asked)
    await publish(await play.join(ALL), sent)
    return {"suback": answer, "delivered": [one.topic for one in await play.seen(client)]}


async def odd_topic(play: Play, case: Case) -> Any:
    """Publish to the topic in the case's name with all rights."""
    observer, client = await play.observer(), await play.join(ALL)
    topic = re.match(r'publish to "(.*?)" with', case.name)
    assert topic is not None
    answer = await publish(client, topic[1])
    return {"answer": answer, "routed": await play.told(observer)}


async def delayed(play: Play, case: Case) -> Any:
    """Publish to be handed out later."""
    observer, client = await play.observer(), await play.join(OK)
    topic = re.match(r'publish to "(.*?)" with', case.name)
    assert topic is not None
    return {"answer": await publish(client, topic[1]), "routed within 2 s": await play.told(observer)}


async def placeholder(play: Play, case: Case) -> Any:
    """Connect under a name that would widen a rule with a placeholder."""
    value = re.search(r"'(.*?)'", case.name)
    assert value is not None
    user = "user name" in case.name
    first, what = ("u", "username") if user else ("c", "clientid")
    observer = await play.observer()
    names = {"username": value[1]} if user else {"client_id": value[1]}
    try:
        client = await play.join(allow(f"{first}/${{{what}}}/x"), **names)
    except RefusedError as refused:
        return {"connack": refused.code}
    topic = f"{first}/victim/x"
    answers = {f"sub {topic}": await subscribe(client, topic), f"pub {topic}": await publish(client, topic)}
    await client.disconnect()
    return {"connack": 0, **answers, "routed": await play.told(observer)}


async def shared(play: Play, _: Case) -> Any:
    """Two workers share one load."""
    workers = [await play.join(allow("job/#", "marker")) for _ in range(2)]
    for one in workers:
        await one.subscribe("marker")
    answers = [await subscribe(one, "$share/g1/job/+") for one in workers]
    sender = await play.join(ALL)
    for number in range(40):
        await publish(sender, f"job/{number}")
    return {"suback": answers, "received": [len(await play.seen(one)) for one in workers]}


async def shared_alone(play: Play, _: Case) -> Any:
    """One worker of two is left."""
    worker = await play.join(allow("job/#", "marker"))
    await worker.subscribe("marker", "$share/g1/job/+")
    await publish(await play.join(ALL), "job/1")
    return {"received by the one left": 20 * len(await play.seen(worker))}


async def malformed_share(play: Play, case: Case) -> Any:
    """Ask for a shared filter that is none."""
    asked = re.search(r'"(.*)"', case.name)
    assert asked is not None
    return await subscribe(await play.join(ALL), asked[1])


RUNS = {
    "publish to a denied topic, QoS 0": denied_publish,
    "publish to a denied topic, QoS 1": denied_publish,
    "publish to a denied topic, QoS 2": denied_publish,
    "publish to an allowed topic QoS 1, no subscriber but observer": allowed_publish,
    "subscribe to a denied topic": denied_subscribe,
    "one SUBSCRIBE with an allowed and a denied filter": mixed_subscribe,
    "token without an acl claim": claim_alone,
    "acl claim is an empty": claim_alone,
    "is_superuser: true": claim_alone,
    "acl v1 {": claim_of_another_form,
    "acl v2": claim_of_another_form,
    "SUBSCRIBE QoS 2": claim_of_another_form,
    "SUBSCRIBE filters against": filters_against_rule,
    "workaround for the trailing": deny_before_allow,
    'deny "t/#"': deny_before_allow,
    "rule ending in a literal": deny_before_allow,
    'rule "z/+/live"': deny_before_allow,
    'rule "w/+"': wider_filter,
    "deny rule on w/secret": wider_filter,
    'publish to "$delayed/1/d"': odd_topic,
    'publish to "$delayed/': delayed,
    'publish to "': odd_topic,
    "placeholder": placeholder,
    "shared subscription of two": shared,
    "one worker gone": shared_alone,
    "malformed shared filter": malformed_share,
}
