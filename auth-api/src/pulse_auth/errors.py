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
