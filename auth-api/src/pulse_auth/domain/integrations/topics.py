"""Which topics an integration may read: what any permission could open, and its maker may subscribe to now. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from pulse_acl.decide import Denied, Principal, decide
from pulse_acl.rules import Action, Rule, merge, refusal

from ...errors import CannotGrantError, InvalidRuleError


def rules_within(topics: Sequence[str], held: Sequence[Rule]) -> tuple[Rule, ...]:
    """
    Return the rules that let an integration subscribe to *topics*, each once.

    Args:
        topics: Topic filters as asked for.
        held: The rules of the person who makes it.

    Raises:
        InvalidRuleError: A filter that no permission may hold either.
        CannotGrantError: A filter that *held* does not cover.
    """
    rules = merge([[Rule(Action.SUBSCRIBE, topic) for topic in topics]])
    for rule in rules:
        reason = refusal(rule)
        if reason is not None:
            raise InvalidRuleError(f"{rule.topic_filter!r}: {reason}.", reason="INVALID_RULE", topic=rule.topic_filter)
        decision = decide(Principal("", "", held), Action.SUBSCRIBE, rule.topic_filter)
        if isinstance(decision, Denied):
            raise CannotGrantError(
                f"You may not subscribe to {rule.topic_filter} yourself.",
                reason="CANNOT_GRANT",
                topic=rule.topic_filter,
            )
    return rules
