"""
What administrators work with, made in one place: logs, the access decision explained.

Part of ``app``, which is its only caller; apart from it only to keep both readable.
"""

from __future__ import annotations

from collections.abc import Sequence

from litestar.types import ControllerRouterHandler

from .domain.access.explain_controllers import ExplainController
from .domain.accounts.operator_key_controllers import OperatorKeyController
from .domain.logs.controllers import LogController

ADMIN_CONTROLLERS: Sequence[ControllerRouterHandler] = (
    LogController,
    ExplainController,
    OperatorKeyController,
)
