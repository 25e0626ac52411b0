"""The guard for permissions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from pulse_acl.rules import Permission
from pulse_auth.domain.access.guards import SignedIn, requires
from pulse_auth.errors import PermissionMissingError


def connection_of(*permissions: str) -> Any:
    person = SignedIn(uuid4(), "ann", (), frozenset(permissions), must_change_password=False, session_id=uuid4())
    return SimpleNamespace(user=person, scope={"method": "GET"})


async def test_requires_a_permission_that_is_held_passes() -> None:
    connection = connection_of("VIEW_LOGS", "VIEW_DASHBOARD")
    assert await requires(Permission.VIEW_LOGS)(connection, None) is None  # type: ignore[arg-type, func-returns-value]


@pytest.mark.parametrize("held", [(), ("VIEW_DASHBOARD",), ("view_logs",)])
async def test_requires_a_permission_that_is_not_held_names_it(held: tuple[str, ...]) -> None:
    with pytest.raises(PermissionMissingError) as refused:
        await requires(Permission.VIEW_LOGS)(connection_of(*held), None)  # type: ignore[arg-type]
    assert refused.value.fields == {"permission": "VIEW_LOGS"}


def test_principal_of_a_person_is_the_username_of_tokens() -> None:
    assert connection_of().user.principal == "user:ann"
