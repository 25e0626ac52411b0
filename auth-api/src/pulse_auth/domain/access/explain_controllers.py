"""``/acl/explain``: for a person who wonders why something is allowed or denied."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import Controller, Request, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from msgspec import Struct

from pulse_acl.decide import Allowed, Denied
from pulse_acl.rules import Action, Permission

from ...db.session import Sessions
from .explain import Explanation, explain
from .guards import SignedIn, check_permission

_Text = Annotated[str, QueryParameter(pattern=r"^[^\x00]{1,512}\Z")]


class RuleItem(Struct, frozen=True):
    """A topic rule."""

    action: str
    topic: str


class GrantItem(Struct, frozen=True):
    """A role, and the permission in it that holds the deciding rule."""

    role: str
    permission: str


class ExplainAnswer(Struct, frozen=True):
    """The decision; ``rule`` and ``granted_by`` when it is allowed, ``reason`` when it is denied."""

    principal: str
    action: str
    topic: str
    retain: bool
    allowed: bool
    reason: str | None
    rule: RuleItem | None
    granted_by: list[GrantItem]


class ExplainController(Controller):
    """The access decision explained."""

    tags = ("Admin",)

    @get("/acl/explain")
    async def explain_access(
        self,
        request: Request[SignedIn, Any, Any],
        sessions: NamedDependency[Sessions],
        principal: _Text,
        action: FromQuery[Literal["publish", "subscribe"]],
        topic: _Text,
        *,
        retain: FromQuery[bool] = False,
    ) -> ExplainAnswer:
        """Return whether *principal* may do that now, and why. Of others: needs MANAGE_ROLES."""
        if principal != request.user.principal:
            check_permission(request.user, Permission.MANAGE_ROLES)
        async with sessions() as session:
            found = await explain(session, principal, Action(action), topic, retain=retain)
        return _answer(found, principal, action, topic, retain=retain)


def _answer(found: Explanation, principal: str, action: str, topic: str, *, retain: bool) -> ExplainAnswer:
    decision = found.decision
    return ExplainAnswer(
        principal=principal,
        action=action,
        topic=topic,
        retain=retain,
        allowed=bool(decision),
        reason=decision.reason if isinstance(decision, Denied) else None,
        rule=RuleItem(decision.rule.action.value, decision.rule.topic_filter)
        if isinstance(decision, Allowed)
        else None,
        granted_by=[GrantItem(grant.role, grant.permission) for grant in found.granted_by],
    )
