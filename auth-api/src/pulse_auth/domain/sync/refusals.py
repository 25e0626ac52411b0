"""A refused change as the error that the HTTP API answers with; ``fields["reason"]`` is the sync's own word for it."""

from __future__ import annotations

from collections.abc import Mapping

from pulse_sync.changes import Reason

from ...errors import (
    CannotGrantError,
    InvalidRuleError,
    InvalidValueError,
    LastAdministratorError,
    NameTakenError,
    PermissionMissingError,
    RefusalError,
    UnknownRecordError,
)

_ERRORS: Mapping[Reason, type[RefusalError]] = {
    Reason.NAME_TAKEN: NameTakenError,
    Reason.UNKNOWN_RECORD: UnknownRecordError,
    Reason.INVALID_VALUE: InvalidValueError,
    Reason.INVALID_RULE: InvalidRuleError,
    Reason.NOT_ALLOWED: PermissionMissingError,
    Reason.CANNOT_GRANT: CannotGrantError,
    Reason.LAST_ADMIN: LastAdministratorError,
}


def refusal_of(reason: Reason | None, message: str) -> RefusalError:
    """Return the error for a refused change, to be raised."""
    if reason is None:
        return RefusalError(message)
    return _ERRORS.get(reason, RefusalError)(message, reason=str(reason))
