"""
Every table of the PostgreSQL schema as SQLAlchemy sees it.

``identity``: users, roles, permissions, memberships, settings; ``sync``: what keeps desktops alike;
``access``: devices, tokens, bans, sign-in; ``telemetry``: the archive's tables (written by the worker) and
the audit log. The migrations make them; a test compares both.
"""

from .access import (
    Ban,
    Device,
    EnrollmentCode,
    ExportLink,
    Integration,
    IssuedToken,
    LoginFailure,
    RefreshFamily,
    UsedAssertion,
)
from .base import Base
from .identity import PermissionRow, Role, RolePermission, SystemConfig, User, UserRole
from .sync import AnsweredChange, ChangeLog, OperatorKey, RecordVersion, SyncLog, SyncPublication
from .telemetry import (
    audit_log,
    device_presence,
    reconcile_devices,
    reconcile_requests,
    telemetry_data,
    telemetry_latest,
    telemetry_ledger,
    telemetry_minute,
    telemetry_rejects,
)

__all__ = [
    "AnsweredChange",
    "Ban",
    "Base",
    "ChangeLog",
    "Device",
    "EnrollmentCode",
    "ExportLink",
    "Integration",
    "IssuedToken",
    "LoginFailure",
    "OperatorKey",
    "PermissionRow",
    "RecordVersion",
    "RefreshFamily",
    "Role",
    "RolePermission",
    "SyncLog",
    "SyncPublication",
    "SystemConfig",
    "UsedAssertion",
    "User",
    "UserRole",
    "audit_log",
    "device_presence",
    "reconcile_devices",
    "reconcile_requests",
    "telemetry_data",
    "telemetry_latest",
    "telemetry_ledger",
    "telemetry_minute",
    "telemetry_rejects",
]
