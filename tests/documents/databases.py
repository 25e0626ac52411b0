"""
The three databases as they are: PostgreSQL by its models (a test of the auth API compares them with the migrations),
the device's two SQLite files by making them.
"""

from __future__ import annotations

import inspect
import sqlite3
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql

from pulse_acl.emit.markdown import table
from pulse_auth.db.models import Base
from pulse_desktop.core.outbox.schema import open_for_writing
from pulse_desktop.core.sync.schema import open_identity

# What a table is for, where the code has no class of its own for it.
_ARCHIVE = {
    "telemetry_data": "One value of one reading; partitioned by the day of `recorded_at`. `claimed_at`: the device's "
    "time, where it was absurd and the time of coming stands in `recorded_at`.",
    "telemetry_ledger": "Which numbers of a device's stream are settled. `settled` is archived, rejected or lost; "
    "`produced` the highest number that the device has claimed.",
    "telemetry_latest": "The newest value of each metric, by the time of recording.",
    "telemetry_minute": "Each metric by minutes: count, least, greatest, total. It stays when telemetry is dropped; "
    "nothing reads it yet.",
    "telemetry_rejects": "Payloads that broke the contract, each with its reason; `superseded_at`: a valid copy came.",
    "device_presence": "The last heartbeat of each device.",
    "reconcile_requests": "What was asked for after a restore: everything since `wanted_since`.",
    "reconcile_devices": "How far each device is with such a request.",
    "audit_log": "Who did what, with the state before and after.",
}
_OUTBOX = {
    "streams": "Every start of the program, with its last number.",
    "telemetry_buffer": "The outbox: readings that no receipt has named, and those that the archive rejected.",
    "telemetry_data": "Confirmed readings, kept `confirmed_keep_h` for the chart and for a restored archive.",
    "telemetry_lost": "Numbers given up and not yet settled by a receipt.",
    "telemetry_lost_settled": "Losses that a receipt has settled, kept like confirmed readings.",
    "telemetry_live": "The newest value of each metric.",
    "sync_state": "One row: the connection, the last heartbeat, what people are told.",
    "system_config": "Settings of an older version of the program; those in `identity.db` go before them.",
}
_IDENTITY = {
    "users": "People; `password_hash` only of those who may sign in on desktops.",
    "roles": "Roles.",
    "permissions": "Permissions with their topic rules (JSON).",
    "user_roles": "Who has which role.",
    "role_permissions": "Which permission is in which role.",
    "system_config": "Settings of all devices and of this one (`device`).",
    "change_queue": "Own changes without an answer, in their order.",
    "sync_log": "What became of own changes; conflicts with both values.",
    "sync_state": "One row: version and history held, clock offset, last contact.",
    "sign_in": "One row: who is signed in here.",
    "sign_in_failures": "Failed attempts by account.",
    "operator_keys": "People's signing keys, wrapped with their passwords.",
    "commands": "Commands by id, so that none runs twice, with their results.",
}
# References that no constraint holds: (table, column, table referred to).
_LOOSE = {
    "postgresql": (
        ("telemetry_data", "client_id", "devices"),
        ("telemetry_ledger", "client_id", "devices"),
        ("telemetry_latest", "client_id", "devices"),
        ("telemetry_minute", "client_id", "devices"),
        ("telemetry_rejects", "client_id", "devices"),
        ("device_presence", "client_id", "devices"),
        ("reconcile_devices", "client_id", "devices"),
        ("enrollment_codes", "client_id", "devices"),
        ("operator_keys", "client_id", "devices"),
        ("answered_changes", "client_id", "devices"),
        ("system_config", "device", "devices"),
        ("integrations", "jti", "issued_tokens"),
        ("issued_tokens", "session_id", "refresh_families"),
        ("sync_publication", "version", "change_log"),
        ("change_log", "change_id", "answered_changes"),
        ("sync_log", "change_id", "answered_changes"),
    ),
    "outbox": (
        ("telemetry_buffer", "stream", "streams"),
        ("telemetry_data", "stream", "streams"),
        ("telemetry_lost", "stream", "streams"),
        ("telemetry_lost_settled", "stream", "streams"),
        ("telemetry_live", "stream", "streams"),
    ),
    "identity": (
        ("user_roles", "user_id", "users"),
        ("user_roles", "role_id", "roles"),
        ("role_permissions", "role_id", "roles"),
        ("role_permissions", "permission_id", "permissions"),
        ("operator_keys", "user_id", "users"),
        ("sign_in", "user_id", "users"),
    ),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column; ``refers_to``: the table whose key stands in it, ``is_held``: by a constraint."""

    name: str
    type: str
    is_key: bool
    may_be_null: bool
    default: str
    refers_to: str = ""
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class Entity:
    """One table."""

    name: str
    about: str
    columns: tuple[Column, ...]


def database_sections() -> dict[str, str]:
    """Return a diagram and a list of tables for each database."""
    return {
        f"{database} {kind}": text
        for database, entities in read_databases().items()
        for kind, text in (("diagram", _diagram(entities)), ("tables", _listed(entities)))
    }


def read_databases() -> dict[str, list[Entity]]:
    """Return the tables of every database."""
    with tempfile.TemporaryDirectory() as folder:
        outbox, identity = Path(folder, "outbox.db"), Path(folder, "identity.db")
        files = [
            ("outbox", open_for_writing(outbox), _OUTBOX),
            ("identity", open_identity(identity), _IDENTITY),
        ]
        found = {name: _sqlite_entities(db, about, _LOOSE[name]) for name, db, about in files}
        for _, db, _about in files:
            db.close()
    return {"postgresql": _postgresql_entities(), **found}


def _postgresql_entities() -> list[Entity]:
    classes = {mapper.local_table.name: mapper.class_ for mapper in Base.registry.mappers}
    loose = {(name, column): to for name, column, to in _LOOSE["postgresql"]}
    return [
        Entity(
            one.name,
            _first(inspect.getdoc(classes[one.name])) if one.name in classes else _ARCHIVE[one.name],
            tuple(_postgresql_columns(one, loose)),
        )
        for one in sorted(Base.metadata.tables.values(), key=lambda one: one.name)
    ]


def _postgresql_columns(one: Table, loose: dict[tuple[str, str], str]) -> Iterable[Column]:
    dialect = postgresql.dialect()
    for column in one.columns:
        held = next((key.column.table.name for key in column.foreign_keys), "")
        default = column.server_default
        arg = getattr(default, "arg", None)
        words = "" if default is None else "identity" if arg is None else str(getattr(arg, "text", arg))
        yield Column(
            column.name,
            column.type.compile(dialect=dialect).lower().replace("timestamp with time zone", "timestamptz"),
            column.primary_key,
            bool(column.nullable),
            words,
            held or loose.get((one.name, column.name), ""),
            bool(held),
        )


def _sqlite_entities(
    db: sqlite3.Connection, about: dict[str, str], references: tuple[tuple[str, str, str], ...]
) -> list[Entity]:
    loose = {(name, column): to for name, column, to in references}
    names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return [
        Entity(
            name,
            about[name],
            tuple(
                _sqlite_column(row, loose.get((name, row[1]), "")) for row in db.execute(f"PRAGMA table_info({name})")
            ),
        )
        for name in names
        if not name.startswith("sqlite_")
    ]


def _sqlite_column(row: tuple[int, str, str, int, str | None, int], refers_to: str) -> Column:
    _, name, kind, is_required, default, key = row
    return Column(name, kind.lower(), bool(key), not (is_required or key), default or "", refers_to)


def _diagram(entities: list[Entity]) -> str:
    lines = ["erDiagram"]
    for one in entities:
        shown = [column for column in one.columns if column.is_key or column.refers_to]
        lines.append(f"  {one.name} {{")
        lines += [f"    {_word(column.type)} {column.name}{_marks(column)}" for column in shown or one.columns[:3]]
        lines.append("  }")
    for one in entities:
        for column in one.columns:
            if column.refers_to:
                line = "--" if column.is_held else ".."
                one_end = "|o" if column.may_be_null or column.default == "''" else "||"
                lines.append(f"  {column.refers_to} {one_end}{line}o{{ {one.name} : {column.name}")
    return "\n".join(["```mermaid", *lines, "```"])


def _marks(column: Column) -> str:
    marks = ["PK"] * column.is_key + ["FK"] * bool(column.refers_to)
    return f" {', '.join(marks)}" if marks else ""


def _listed(entities: list[Entity]) -> str:
    parts = []
    for one in entities:
        rows = [
            (
                f"`{column.name}`",
                column.type,
                "key" if column.is_key else "may be null" if column.may_be_null else "",
                f"`{column.default}`" if column.default else "",
                f"`{column.refers_to}`" + ("" if column.is_held else ", by convention") if column.refers_to else "",
            )
            for column in one.columns
        ]
        body = table(["column", "type", "null, key", "default", "refers to"], rows)
        parts.append(f"#### {one.name}\n\n{one.about}\n\n{body}")
    return "\n\n".join(parts)


def _word(kind: str) -> str:
    return "".join(character if character.isalnum() else "_" for character in kind).strip("_") or "any"


def _first(text: str | None) -> str:
    return " ".join((text or "").replace("``", "`").split())
