"""
The errors of this part.

What a caller may cause is a ``RefusalError``; the table from error to HTTP status and problem type is in
``http.problems``, so nothing below the controllers knows HTTP.
"""

from __future__ import annotations


class AuthApiError(Exception):
    """Base of all errors of this part."""


class DatabaseUnavailableError(AuthApiError):
    """The database does not answer; trying again later can help."""


class EmbeddedPostgresError(AuthApiError):
    """The embedded PostgreSQL could not be made or started; the log has its own words."""


class RefusalError(AuthApiError):
    """
    A request is not carried out; ``str()`` is a sentence for the caller and holds no secret.

    ``fields`` go into the problem document beside it; ``retry_after_s``: whole seconds until a try makes sense.
    """

    def __init__(self, detail: str, *, retry_after_s: int | None = None, **fields: object) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s
        self.fields = fields


class NotSignedInError(RefusalError):
    """No access token, or one that is not valid (any more)."""


class WrongCredentialsError(RefusalError):
    """Unknown user, wrong password, ended account: the caller is not told which."""


class WrongPasswordError(RefusalError):
    """The signed-in person's present password was asked for, and given wrongly."""


class TooManyAttemptsError(RefusalError):
    """Locked for a while after failed attempts; trying again after ``retry_after_s`` can help."""


class TooManyRequestsError(RefusalError):
    """Asked more often than is ever needed; trying again after ``retry_after_s`` helps."""


class PasswordRefusedError(RefusalError):
    """A new password breaks the rules; the sentence says which."""


class PasswordChangeRequiredError(RefusalError):
    """The first password must be changed before anything else."""


class PermissionMissingError(RefusalError):
    """Signed in, but not allowed; ``fields["permission"]`` names what is missing."""


class RefreshRefusedError(RefusalError):
    """The refresh cookie is missing, not ours, used before, or its family has ended."""


class AssertionRefusedError(RefusalError):
    """A service's assertion proves nothing, or was used before."""


class ForeignOriginError(RefusalError):
    """A page of another origin sent the request."""


class NameTakenError(RefusalError):
    """A live record has that name, compared casefolded in NFKC."""


class InvalidNameError(RefusalError):
    """A name breaks the rules; the sentence says which."""


class UnknownDeviceError(RefusalError):
    """No device of that id was ever enrolled or heard of."""


class KeyRefusedError(RefusalError):
    """A device's key is not one that may be registered; the sentence says why."""


class ProofRefusedError(RefusalError):
    """An enrollment's proof does not show that the sender owns the signing key."""


class CodeRefusedError(RefusalError):
    """An enrollment code is unknown, used, run out, another server's, or made for another device."""


class DeviceExistsError(RefusalError):
    """A device of that id is enrolled; only a code made for that id replaces its keys."""


class DeviceRevokedError(RefusalError):
    """The device was revoked; enrolling it again can help."""


class DeviceCoolingDownError(RefusalError):
    """Tokens under the device's former keys still run; trying again after ``retry_after_s`` helps."""


class ClockSkewError(AssertionRefusedError):
    """An assertion is signed rightly, but its times do not fit; ``fields["server_time"]`` is ours."""


class ExportLinkRefusedError(RefusalError):
    """An export's address is unknown, was used before, or has run out."""


class CertificateMissingError(RefusalError):
    """The CA's certificate is not there yet: the broker makes it at its first start."""


class QueryTooSlowError(RefusalError):
    """A query of the archive or a log was ended at its time limit; asking for less can help."""


class UnknownPrincipalError(RefusalError):
    """Nobody of that name may connect to the broker."""


class UnknownRecordError(RefusalError):
    """There is no such user, role, permission, setting or integration (any more)."""


class CannotGrantError(RefusalError):
    """Nobody gives away what they do not hold."""


class InvalidRuleError(RefusalError):
    """A topic rule may not stand in a permission or an integration; the sentence says why."""


class InvalidValueError(RefusalError):
    """A field of a record cannot hold that value; the sentence says why, with the bounds where there are some."""


class LastAdministratorError(RefusalError):
    """The last administrator can be neither ended nor demoted."""


class PreconditionRequiredError(RefusalError):
    """A change says not which version of the record its author has seen."""


class PreconditionFailedError(RefusalError):
    """The record was changed since its author has seen it; reading it again helps."""


class BrokerAwayError(RefusalError):
    """The broker does not answer; trying again after ``retry_after_s`` can help."""
