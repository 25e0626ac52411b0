"""
What administrators work with, made in one place: logs, the access decision explained, integrations.

Part of ``app``, which is its only caller; apart from it only to keep both readable.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar.types import ControllerRouterHandler

from .clock import Clock
from .domain.access.explain_controllers import ExplainController
from .domain.accounts.operator_key_controllers import OperatorKeyController
from .domain.broker_tokens.services import BrokerTokens
from .domain.integrations.controllers import IntegrationController
from .domain.integrations.services import Integrations
from .domain.logs.controllers import LogController

ADMIN_CONTROLLERS: Sequence[ControllerRouterHandler] = (
    LogController,
    ExplainController,
    OperatorKeyController,
    IntegrationController,
)


def make_admin_side(tokens: BrokerTokens, clock: Clock) -> dict[str, Any]:
    """Return the services by the names by which handlers ask for them."""
    return {"integrations": Integrations(tokens, clock)}
