"""The decision table against ``/acl/explain``'s service: seeded roles, a custom one, parts, and an integration."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
from uuid_utils.compat import uuid7

from pulse_acl.decide import Principal
from pulse_acl.rules import Rule
from pulse_auth.clock import system_clock
from pulse_auth.db.models import Device, Integration, PermissionRow, Role, RolePermission, User, UserRole
from pulse_auth.db.session import make_engine, make_sessions
from pulse_auth.domain.access.explain import explain
from pulse_auth.domain.access.rules_data import to_data
from support.decision_cases import decision_cases


async def test_explain_answers_every_row_of_the_decision_table(api: Any) -> None:
    principals = {case.name: case.principal for case in decision_cases()}
    engine = make_engine(api.database.dsn())
    wrong = []
    async with make_sessions(engine)() as session:
        made = {name: await _establish(session, name, principal) for name, principal in principals.items()}
        await session.flush()
        for case in decision_cases():
            found = await explain(session, made[case.name], case.action, case.topic, retain=case.retain)
            if bool(found.decision) is not case.is_allowed:
                wrong.append((str(case), found.decision))
        await session.rollback()
    await engine.dispose()
    assert wrong == []
    assert len(decision_cases()) > 300


async def _establish(session: Any, name: str, principal: Principal) -> str:
    """Put *principal* into the database and return the name by which it is explained."""
    kind, _, who = principal.username.partition(":")
    now = system_clock()
    if kind == "device":
        session.add(Device(client_id=who, signing_key={}, encryption_key={}))
    elif kind == "integration":
        admin = await session.scalar(User.__table__.select().with_only_columns(User.id))
        topics = [rule.topic_filter for rule in principal.rules]
        times = {"created_at": now, "expires_at": now}
        ids: dict[str, Any] = {"id": uuid7(), "jti": uuid7(), "client_id": principal.client_id, "user_id": admin}
        session.add(Integration(name=who, name_key=who, topics=topics, created_by="user:admin", **times, **ids))
    elif kind == "user":
        await _add_person(session, who, await _role_of(session, name, principal.rules))
    return principal.username


async def _role_of(session: Any, name: str, rules: Iterable[Rule]) -> UUID:
    """Return the seeded role of that name, or a new one of a single permission with *rules*."""
    seeded = Role.__table__.select().with_only_columns(Role.id).where(Role.name == name.upper())
    found = await session.scalar(seeded)
    if found is not None:
        return UUID(str(found))
    role = Role(id=uuid7(), name=name, name_key=name)
    permission = PermissionRow(id=uuid7(), name=name, name_key=name, rules=msgspec.to_builtins(to_data(rules)))
    session.add_all([role, permission])
    await session.flush()
    session.add(RolePermission(role_id=role.id, permission_id=permission.id, present=True))
    return role.id


async def _add_person(session: Any, username: str, role_id: UUID) -> None:
    user = User(id=uuid7(), username=username, username_key=username, password_hash="")
    session.add(user)
    await session.flush()
    session.add(UserRole(user_id=user.id, role_id=role_id, present=True))
