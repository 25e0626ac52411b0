"""
The errors of this part. A refusal that a caller may cause is a ``Refusal``; the table from error to HTTP
status and problem type is in ``http.problems``, so nothing below the controllers knows HTTP.
"""

from __future__ import annotations


class AuthApiError(Exception):
    """Base of all errors of this part."""


class DatabaseUnavailable(AuthApiError):
    """The database does not answer; trying again later can help."""


class EmbeddedPostgresFailed(AuthApiError):
    """The embedded PostgreSQL could not be made or started; the log has its own words."""
