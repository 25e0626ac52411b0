"""
``payloads.ts``: TypeScript types and runtime validators for every payload, read off the msgspec structs.

What no struct decides (how a text, a list or a metric is checked) is TypeScript, in ``payloads_prelude.ts``;
this module appends a type and a reader for each struct and a ``parse…`` function for each payload. Bounds are
those of ``payloads``. The examples in ``acl/cases/examples`` are what both must agree on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files

from msgspec import NODEFAULT, Struct, inspect

from .. import payloads
from .header import typescript_header

_IN_ORDER = {"HeldStream"}
"""Structs whose ``__post_init__`` compares ``first`` and ``last``; pairs are checked by the prelude's ``range``."""

_NAMED = {
    name: inspect.type_info(shape)
    for name, shape in {
        "ClientId": payloads.ClientId,
        "Uuid": payloads.Uuid,
        "Timestamp": payloads.Timestamp,
        "SequenceNo": payloads.SequenceNo,
        "LastSequenceNo": payloads.LastSequenceNo,
        "Count": payloads.Count,
        "MetricKey": payloads.MetricKey,
        "NotNegative": payloads.NotNegative,
    }.items()
}
"""Types used in several places; each gets one reader."""

_COMMAND_ENCODER = """\
/** Writes a command as JSON; the values in `args` must be what `JSON.stringify` takes. */
export function encodeCommand(command: Command): string {
  return JSON.stringify({ ...command, args: Object.fromEntries(command.args) });
}
"""


@dataclass(frozen=True, slots=True)
class _Typed:
    """A TypeScript type, and the expression of type ``Read<…>`` that checks it."""

    type: str
    reader: str


def payloads_ts() -> str:
    """Return the whole file ``payloads.ts``."""
    prelude = files(__package__).joinpath("payloads_prelude.ts").read_text(encoding="utf-8")
    parts = [
        typescript_header() + prelude.rstrip("\n"),
        _constants(),
        _named_readers(),
        *map(_struct, _structs_in_order()),
        *map(_parser, payloads.PAYLOADS),
        _parser_table(),
        _COMMAND_ENCODER,
    ]
    return "\n\n".join(parts)


def _constants() -> str:
    return "\n".join(
        f"export const {name} = {getattr(payloads, name)};"
        for name in ("MAX_PAYLOAD_BYTES", "MAX_BATCH_READINGS", "MAX_METRICS")
    )


def _structs_in_order() -> list[inspect.StructType]:
    """Return every struct once, those that others are made of first."""
    found: dict[type[Struct], inspect.StructType] = {}

    def visit(shape: object) -> None:
        if isinstance(shape, inspect.Metadata):
            visit(shape.type)
        elif isinstance(shape, inspect.UnionType):
            for each in shape.types:
                visit(each)
        elif isinstance(shape, inspect.ListType):
            visit(shape.item_type)
        elif isinstance(shape, inspect.StructType) and shape.cls not in found:
            for field in shape.fields:
                visit(field.type)
            found[shape.cls] = shape

    for kind in payloads.PAYLOADS.values():
        visit(inspect.type_info(kind))
    return list(found.values())


def _named_readers() -> str:
    return "\n".join(f"const read{name} = {_unnamed(shape).reader};" for name, shape in _NAMED.items())


def _struct(shape: inspect.StructType) -> str:
    name = shape.cls.__name__
    summary = (shape.cls.__doc__ or "").strip().splitlines()[0].replace("``", "`")
    fields = [(field, _typed(field.type)) for field in shape.fields]
    members = "\n".join(f"  readonly {field.encode_name}: {_field_type(field, typed)};" for field, typed in fields)
    reads = "\n".join(f"  {field.encode_name}: {_field_reader(field, typed)}," for field, typed in fields)
    reader = f"struct<{name}>({{\n{reads}\n}})"
    if name in _IN_ORDER:
        reader = f"inOrder({reader})"
    return f"/** {summary} */\nexport interface {name} {{\n{members}\n}}\n\nconst read{name}: Read<{name}> = {reader};"


def _field_type(field: inspect.Field, typed: _Typed) -> str:
    return f"{typed.type} | null" if _may_be_absent_only(field) else typed.type


def _field_reader(field: inspect.Field, typed: _Typed) -> str:
    if field.required:
        return f"required({typed.reader})"
    return f"optional<{_field_type(field, typed)}>({typed.reader}, () => {_absent(field)})"


def _may_be_absent_only(field: inspect.Field) -> bool:
    """Tell whether absence is allowed while ``null`` on the wire is not; absence reads as ``null`` all the same."""
    return not field.required and field.default is NODEFAULT and field.default_factory is NODEFAULT


def _absent(field: inspect.Field) -> str:
    if field.default_factory is list:
        return "[]"
    if field.default_factory is dict:
        return "new Map()"
    return "null" if field.default in {None, NODEFAULT} else json.dumps(field.default)


def _typed(shape: inspect.Type) -> _Typed:
    found = _unnamed(shape)
    name = next((name for name, named in _NAMED.items() if named == shape), None)
    return found if name is None else _Typed(found.type, f"read{name}")


def _unnamed(shape: inspect.Type) -> _Typed:  # noqa: PLR0911, C901 -- one line for each kind of type
    match shape:
        case inspect.Metadata(type=inspect.IntType() as number, extra=payloads.EXACT_IN_TYPESCRIPT):
            return _Typed("bigint", f"exactInteger({number.ge}n, {number.le}n)")
        case inspect.Metadata():
            return _unnamed(shape.type)
        case inspect.StrType():
            return _Typed("string", f"text({_pattern(shape.pattern)}, {_most(shape.max_length)})")
        case inspect.IntType():
            return _Typed("number", f"safeInteger({shape.ge}n, {shape.le}n)")
        case inspect.FloatType():
            return _Typed("number", f"double({'-Infinity' if shape.ge is None else shape.ge})")
        case inspect.LiteralType():
            values = [json.dumps(value) for value in shape.values]
            return _Typed(" | ".join(values), f"oneOf({', '.join(values)})")
        case inspect.ListType():
            item = _typed(shape.item_type)
            return _Typed(f"readonly {_grouped(item.type)}[]", f"list({item.reader}, {_most(shape.max_length)})")
        case inspect.DictType():
            key, value = _typed(shape.key_type), _typed(shape.value_type)
            bounds = f"{shape.min_length or 0}, {_most(shape.max_length)}"
            return _Typed(f"ReadonlyMap<string, {value.type}>", f"table({key.reader}, {value.reader}, {bounds})")
        case inspect.TupleType():
            return _Typed("Range", f"range({_typed(shape.item_types[0]).reader})")
        case inspect.StructType():
            return _Typed(shape.cls.__name__, f"read{shape.cls.__name__}")
        case inspect.UnionType():
            return _union(shape)
        case inspect.AnyType():
            return _Typed("unknown", "readAnything")
    raise TypeError(f"no TypeScript is known for {shape}")


def _union(shape: inspect.UnionType) -> _Typed:
    kinds = {type(each) for each in shape.types}
    if kinds == {inspect.BoolType, inspect.IntType, inspect.FloatType}:
        return _Typed("MetricValue", "readMetricValue")
    rest = [each for each in shape.types if not isinstance(each, inspect.NoneType)]
    if len(rest) != 1 or len(rest) == len(shape.types):
        raise TypeError(f"no TypeScript is known for {shape}")
    inner = _typed(rest[0])
    return _Typed(f"{inner.type} | null", f"nullable({inner.reader})")


def _pattern(pattern: str | None) -> str:
    # JavaScript's ``$`` is the very end of the text, so Python's guard against a line feed is dropped.
    if pattern is None:
        return "null"
    return "/" + pattern.removesuffix(r"(?!\n)") + "/u"


def _most(length: int | None) -> str:
    return "Infinity" if length is None else str(length)


def _grouped(text: str) -> str:
    return f"({text})" if " " in text else text


def _parser(name: str) -> str:
    return f"export function parse{name}(value: unknown): Result<{name}> {{\n  return guard(read{name}, value);\n}}"


def _parser_table() -> str:
    rows = "\n".join(f"  {name}: parse{name}," for name in payloads.PAYLOADS)
    types = "\n".join(f"  {name}: {name};" for name in payloads.PAYLOADS)
    return (
        f"export interface PayloadTypes {{\n{types}\n}}\n\n"
        "export type PayloadName = keyof PayloadTypes;\n\n"
        "/** The validator of each payload by its name, as topics.ts names it. */\n"
        "export const PAYLOAD_PARSERS: {\n"
        "  readonly [Name in PayloadName]: (value: unknown) => Result<PayloadTypes[Name]>;\n"
        f"}} = {{\n{rows}\n}};"
    )
