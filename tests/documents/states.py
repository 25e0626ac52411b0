"""The table of connection states as a diagram and as a table, and the settings that devices know."""

from __future__ import annotations

from pulse_acl.emit.markdown import table
from pulse_desktop.core.connection import STATUS, TABLE, Event, State
from pulse_sync.settings import KNOWN, Bounds


def connection_sections() -> dict[str, str]:
    """Return the diagram of what leads from state to state, and the table with every cell."""
    return {"connection states": _diagram(), "connection table": _cells()}


def settings_section() -> str:
    """Return key, what it may be, and default of every setting that devices know."""
    rows = []
    for key, known in KNOWN.items():
        if isinstance(known, Bounds):
            whole = ", a whole number" if known.whole else ""
            rows.append((f"`{key}`", f"{known.least:,g} to {known.most:,.10g} {known.unit}{whole}", _number(known)))
        else:
            rows.append((f"`{key}`", ", ".join(f"`{word}`" for word in known.words), f"`{known.default}`"))
    return table(["key", "may be", "default"], rows)


def _number(known: Bounds) -> str:
    return f"{known.default:,.10g} {known.unit}"


def _diagram() -> str:
    lines = ["stateDiagram-v2", f"  [*] --> {State.DISCONNECTED}"]
    for state in State:
        for event in Event:
            step = TABLE[state, event]
            if step.state is not state or step.actions:
                lines.append(f"  {state} --> {step.state}: {event}")
    return "\n".join(["```mermaid", *lines, "```"])


def _cells() -> str:
    rows = [[f"`{state}` ({STATUS[state]})", *(_cell(state, event) for event in Event)] for state in State]
    return table(["in", *(f"`{event}`" for event in Event)], rows)


def _cell(state: State, event: Event) -> str:
    step = TABLE[state, event]
    if step.state is state and not step.actions:
        return "stays"
    return f"`{step.state}`" + "".join(f"<br>{action}" for action in step.actions)
