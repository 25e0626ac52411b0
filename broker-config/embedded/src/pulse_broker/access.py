"""
What one token lets one session do, with the answers remembered.

All decisions are ``pulse_acl.decide``; this adds only what the embedded broker refuses to every client and
what a delivery needs. Nothing here changes a session.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pulse_acl.decide import Allowed, Decision, Denied, Principal, decide
from pulse_acl.matching import matches
from pulse_acl.rules import Action
from pulse_acl.topics import Topic

MAX_TOPIC_LEVELS = 128
MAX_TOPIC_CHARS = 256  # ours are far shorter; topics are kept in memory and written to the log
MAX_REMEMBERED = 4_096
K = TypeVar("K")
V = TypeVar("V")


class Access:
    """The rights of *principal* over a session whose granted filters are *granted* (filter to QoS)."""

    def __init__(self, principal: Principal, granted: Mapping[str, int]) -> None:
        self.principal = principal
        self._granted = granted
        self._publishing: dict[tuple[str, bool], Decision] = {}
        self._receiving: dict[str, int | None] = {}

    def publishing(self, topic: str, *, retain: bool) -> Decision:
        """Decide a publish, a will included."""
        found = self._publishing.get((topic, retain))
        if found is None:
            found = self._decide_publish(topic, retain=retain)
            if isinstance(found, Allowed):  # topics that are refused are for the client to invent
                _remember(self._publishing, (topic, retain), found)
        return found

    def _decide_publish(self, topic: str, *, retain: bool) -> Decision:
        if topic.startswith("$"):
            return Denied("clients publish nothing on $ topics")
        if topic == Topic.AUDIT_COMMAND.value:
            return Denied("the broker alone publishes the audit")
        return self._decide(Action.PUBLISH, topic, retain=retain)

    def subscribing(self, topic_filter: str) -> Decision:
        """Decide a subscription."""
        if topic_filter.startswith(("$share/", "$queue/")):
            return Denied("shared subscriptions are not offered by the embedded broker")
        return self._decide(Action.SUBSCRIBE, topic_filter)

    def _decide(self, action: Action, topic: str, *, retain: bool = False) -> Decision:
        if topic.count("/") >= MAX_TOPIC_LEVELS:
            return Denied(f"more than {MAX_TOPIC_LEVELS} topic levels")
        if len(topic) > MAX_TOPIC_CHARS:
            return Denied(f"a topic of more than {MAX_TOPIC_CHARS} characters")
        return decide(self.principal, action, topic, retain=retain)

    def receiving(self, topic: str) -> int | None:
        """
        Return the highest QoS at which a message on *topic* may be handed out, or ``None`` for not at all.

        It takes a granted filter that matches and that the present token still allows. A rule that denies
        the concrete topic counts too, although a wider filter was granted.
        """
        try:
            return self._receiving[topic]
        except KeyError:
            found = self._decide_receive(topic)
            _remember(self._receiving, topic, found)
            return found

    def _decide_receive(self, topic: str) -> int | None:
        best: int | None = None
        for topic_filter, qos in self._granted.items():
            if (best is None or qos > best) and matches(topic, topic_filter) and self._reaches(topic_filter, topic):
                best = qos
        return best

    def _reaches(self, topic_filter: str, topic: str) -> bool:
        decision = self.subscribing(topic_filter)
        if not isinstance(decision, Allowed):
            return False
        # a rule for one literal filter says nothing about the topics it matches
        return decision.rule.exact or bool(decide(self.principal, Action.SUBSCRIBE, topic))

    def granted_changed(self) -> None:
        """Forget the remembered answers about deliveries."""
        self._receiving.clear()


def _remember(answers: dict[K, V], key: K, answer: V) -> None:
    if len(answers) >= MAX_REMEMBERED:
        answers.clear()
    answers[key] = answer
