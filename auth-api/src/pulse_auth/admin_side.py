"""
What administrators work with, made in one place: users, roles, permissions, settings, integrations, logs.

Part of ``app``, which is its only caller; apart from it only to keep both readable.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar.types import ControllerRouterHandler

from .clock import Clock
from .db.session import Sessions
from .domain.access.changing import RecordChanges
from .domain.access.consequences import Consequences
from .domain.access.explain_controllers import ExplainController
from .domain.accounts.operator_key_controllers import OperatorKeyController
from .domain.accounts.passwords import Passwords
from .domain.broker_admin.enforcement import BanEnforcement
from .domain.broker_tokens.services import BrokerTokens
from .domain.config.controllers import ConfigController
from .domain.config.services import Config
from .domain.integrations.controllers import IntegrationController
from .domain.integrations.services import Integrations
from .domain.logs.controllers import LogController
from .domain.roles.controllers import PermissionController, RoleController
from .domain.roles.permissions import Permissions
from .domain.roles.roles import Roles
from .domain.users.controllers import UserController
from .domain.users.services import Users

ADMIN_CONTROLLERS: Sequence[ControllerRouterHandler] = (
    UserController,
    RoleController,
    PermissionController,
    ConfigController,
    IntegrationController,
    LogController,
    ExplainController,
    OperatorKeyController,
)


def make_admin_side(
    sessions: Sessions, passwords: Passwords, tokens: BrokerTokens, bans: BanEnforcement, clock: Clock
) -> dict[str, Any]:
    """
    Return the services by the names by which handlers ask for them.

    No body may have a field of such a name: what is wrong with it would be taken for a fault of the server.
    """
    consequences = Consequences(bans, clock)
    changes = RecordChanges(sessions, consequences, clock)
    return {
        "user_service": Users(changes, passwords),
        "role_service": Roles(changes),
        "permission_service": Permissions(changes),
        "config_service": Config(changes),
        "integration_service": Integrations(tokens, clock),
    }
