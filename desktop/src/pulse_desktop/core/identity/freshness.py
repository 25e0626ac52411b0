"""How long the cache stands in for the server: ``offline_login_days`` from the last contact. Read: ``sign_in``."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta

from pulse_sync import settings as known
from pulse_sync.records import Kind

from ..errors import SignInError
from ..sync.corrected_time import CorrectedTime
from ..sync.holdings import read_holdings

KEY = "offline_login_days"


def require_fresh(db: sqlite3.Connection, client_id: str, time: CorrectedTime, now: datetime) -> None:
    """
    Check that the last contact is recent enough *now* (on the server's scale, never running backwards).

    Raises:
        SignInError: It is not.
    """
    days = read_holdings(db, [Kind.SETTING]).setting(KEY, client_id)
    if days is None or known.problem(KEY, days) is not None:
        days = known.KNOWN[KEY].default
    contact = time.last_contact()
    if contact is None or now > contact + timedelta(days=days):
        raise SignInError(f"the last contact with the server was more than {days} days ago ({KEY})")
