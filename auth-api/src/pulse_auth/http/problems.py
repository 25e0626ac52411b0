"""
Every error that a caller can meet, as an RFC 9457 problem document: one table from error to status and type.

``type`` is stable (``urn:precisionpulse:problem:<slug>``) and what programs compare; ``detail`` is for people
and may change. What is not in the table is a fault of ours: 500, logged with its trace, told nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy.exc
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from .. import errors
from ..db.session import UNAVAILABLE

_log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:precisionpulse:problem:"


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of problem: HTTP status, the stable end of its type, and a title that never changes."""

    status: int
    slug: str
    title: str


PROBLEMS: dict[type[Exception], Problem] = {
    errors.NotSignedInError: Problem(401, "not-signed-in", "Not signed in"),
    errors.WrongCredentialsError: Problem(401, "wrong-credentials", "Wrong user name or password"),
    errors.RefreshRefusedError: Problem(401, "refresh-refused", "The session has ended"),
    errors.AssertionRefusedError: Problem(401, "assertion-refused", "The assertion was refused"),
    errors.WrongPasswordError: Problem(403, "wrong-password", "The present password is wrong"),
    errors.PasswordChangeRequiredError: Problem(403, "password-change-required", "The password must be changed first"),
    errors.PermissionMissingError: Problem(403, "permission-missing", "Not allowed"),
    errors.CannotGrantError: Problem(403, "cannot-grant", "Nobody grants what they do not hold"),
    errors.ForeignOriginError: Problem(403, "foreign-origin", "Sent from a page of another origin"),
    errors.ClockSkewError: Problem(401, "clock-skew", "The clocks differ"),
    errors.ProofRefusedError: Problem(403, "proof-refused", "The proof was refused"),
    errors.CodeRefusedError: Problem(403, "code-refused", "The enrollment code was refused"),
    errors.DeviceRevokedError: Problem(403, "device-revoked", "The device was revoked"),
    errors.UnknownDeviceError: Problem(404, "unknown-device", "Unknown device"),
    errors.UnknownPrincipalError: Problem(404, "unknown-principal", "Unknown principal"),
    errors.UnknownRecordError: Problem(404, "unknown-record", "Unknown record"),
    errors.DeviceExistsError: Problem(409, "device-exists", "The device is enrolled already"),
    errors.DeviceCoolingDownError: Problem(409, "device-cooling-down", "Former tokens of the device still run"),
    errors.ExportLinkRefusedError: Problem(410, "export-link-refused", "The export's address is not good (any more)"),
    errors.PreconditionFailedError: Problem(412, "precondition-failed", "Changed since it was seen"),
    errors.PreconditionRequiredError: Problem(428, "precondition-required", "If-Match is missing"),
    errors.KeyRefusedError: Problem(422, "key-refused", "The key was refused"),
    errors.NameTakenError: Problem(409, "name-taken", "The name is taken"),
    errors.InvalidNameError: Problem(422, "invalid-name", "The name breaks the rules"),
    errors.InvalidValueError: Problem(422, "invalid-value", "The value is out of bounds"),
    errors.LastAdministratorError: Problem(409, "last-administrator", "The last administrator stays"),
    errors.InvalidRuleError: Problem(422, "invalid-rule", "The topic rule was refused"),
    errors.PasswordRefusedError: Problem(422, "password-refused", "The new password breaks the rules"),
    errors.TooManyAttemptsError: Problem(429, "too-many-attempts", "Too many attempts"),
    errors.TooManyRequestsError: Problem(429, "too-many-requests", "Too many requests"),
    errors.QueryTooSlowError: Problem(503, "query-too-slow", "The query takes too long"),
    errors.BrokerAwayError: Problem(503, "broker-unavailable", "The broker does not answer"),
    errors.CertificateMissingError: Problem(503, "certificate-missing", "The CA's certificate is not there yet"),
    errors.DatabaseUnavailableError: Problem(503, "database-unavailable", "The database does not answer"),
}
_INVALID = Problem(400, "invalid-request", "The request is malformed")
_BY_STATUS = {
    400: _INVALID,
    404: Problem(404, "not-found", "Not found"),
    405: Problem(405, "method-not-allowed", "Method not allowed"),
    413: Problem(413, "body-too-large", "The body is too large"),
    415: Problem(415, "unsupported-media-type", "Unsupported media type"),
}
_FAULT = Problem(500, "internal-error", "A fault of the server")


def problem_response(problem: Problem, detail: str, **fields: object) -> Response[dict[str, Any]]:
    """Return the document of *problem*; *fields* are added beside the standard ones."""
    document: dict[str, Any] = {
        "type": TYPE_PREFIX + problem.slug,
        "title": problem.title,
        "status": problem.status,
        "detail": detail,
        **fields,
    }
    headers = {"WWW-Authenticate": "Bearer"} if problem.status == 401 else {}
    if "retry_after_s" in fields:
        headers["Retry-After"] = str(fields["retry_after_s"])
    return Response(document, status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Answer any error at all; the application's one exception handler."""
    if isinstance(error, errors.RefusalError):
        return _answer_refusal(error)
    if type(error) in PROBLEMS:
        return problem_response(PROBLEMS[type(error)], str(error))
    if isinstance(error, RecursionError):
        return problem_response(_INVALID, "The body is nested too deeply.")
    if isinstance(error, HTTPException):
        return _answer_http_error(error)
    if _is_database_outage(error):
        _log.warning("database.unavailable", error=type(error).__name__)
        return problem_response(PROBLEMS[errors.DatabaseUnavailableError], "Try again in a moment.", retry_after_s=5)
    _log.error("http.request_failed", method=request.method, route=_route(request), exc_info=error)
    return problem_response(_FAULT, "The request could not be carried out; the log of the server says why.")


def _route(request: Request[Any, Any, Any]) -> str:
    """Return the pattern of the path: the path itself may be a secret, as that of an export is."""
    return str(request.scope.get("path_template") or "unmatched")


def _answer_refusal(error: errors.RefusalError) -> Response[Any]:
    found = next((PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS), _INVALID)
    fields = dict(error.fields)
    if error.retry_after_s is not None:
        fields["retry_after_s"] = error.retry_after_s
    return problem_response(found, str(error), **fields)


def _answer_http_error(error: HTTPException) -> Response[Any]:
    if isinstance(error, ValidationException):
        return problem_response(_INVALID, error.detail, errors=_field_errors(error))
    unknown = Problem(error.status_code, f"http-{error.status_code}", "The request was refused")
    if error.status_code >= 500:
        unknown = _FAULT
        _log.error("http.request_failed", exc_info=error)
        return problem_response(unknown, "The request could not be carried out; the log of the server says why.")
    answer = problem_response(_BY_STATUS.get(error.status_code, unknown), error.detail)
    answer.headers.update(error.headers or {})
    return answer


def _field_errors(error: ValidationException) -> list[dict[str, str]]:
    """Return which fields are wrong and why; never the values themselves."""
    found = error.extra if isinstance(error.extra, list) else []
    items = [item for item in found if isinstance(item, dict)]
    return [{"field": str(item.get("key", "")), "reason": str(item.get("message", ""))} for item in items]


def _is_database_outage(error: Exception) -> bool:
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        # Without a statement it is connecting that failed.
        return error.connection_invalidated or error.statement is None
    return isinstance(error, (*UNAVAILABLE, sqlalchemy.exc.TimeoutError))
