"""``topics.ts``: the topic templates, and functions that build and take apart topics, as ``topics`` has them."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..topics import DEVICE_ID_PATTERN, TOPICS, Topic, TopicSpec
from .header import typescript_header

_CODE = """\
const DEVICE_ID = /{device_id}/u;

/** Tells whether `text` is 1 to 64 of `A-Z a-z 0-9 . _ -`, the form of device ids and instances. */
export function isDeviceId(text: string): boolean {{
  return DEVICE_ID.test(text);
}}

/**
 * Builds a concrete topic, or a filter when a value is `+`.
 *
 * @throws RangeError when a value is neither a device id nor `+`.
 */
export function buildTopic<N extends TopicName>(name: N, params: TopicParams[N]): string {{
  const values = new Map<string, string>(Object.entries(params));
  return TOPIC_TEMPLATES[name].replace(/\\{{(\\w+)\\}}/gu, (_whole, key: string) => {{
    const value = values.get(key) ?? "";
    if (value !== "+" && !isDeviceId(value)) {{
      throw new RangeError(`${{key}} is not 1 to 64 of A-Z a-z 0-9 . _ -`);
    }}
    return value;
  }});
}}

const PARSERS: readonly {{ readonly name: TopicName; readonly pattern: RegExp }}[] = [
{patterns}
];

/** Takes a topic apart; `null` when it is none of ours or carries a malformed id. */
export function parseTopic(topic: string): ParsedTopic | null {{
  for (const {{ name, pattern }} of PARSERS) {{
    const found = pattern.exec(topic);
    if (found !== null) {{
      const params = {{ ...found.groups }};
      // The pattern's groups are the template's placeholders, so the pair fits together.
      return Object.values(params).every(isDeviceId) ? ({{ name, params }} as ParsedTopic) : null;
    }}
  }}
  return null;
}}
"""


def topics_ts() -> str:
    """Return the whole file ``topics.ts``."""
    return typescript_header() + "\n".join(
        [
            "// Every topic of PrecisionPulse: templates, what they carry, how they are put together and taken apart.",
            "",
            _object("TOPIC_TEMPLATES", "The templates by name.", lambda row: f'"{row.topic.value}"'),
            "export type TopicName = keyof typeof TOPIC_TEMPLATES;",
            "",
            _object(
                "TOPIC_PAYLOADS",
                "The payload that each topic carries; see payloads.ts.",
                lambda row: f'"{row.payload}"',
            ),
            _object("TOPIC_RETAINED", "Whether messages are retained.", lambda row: str(row.retained).lower()),
            _params(),
            "/** A concrete topic taken apart. */",
            "export type ParsedTopic = {",
            "  [N in TopicName]: { readonly name: N; readonly params: TopicParams[N] };",
            "}[TopicName];",
            "",
            _CODE.format(device_id=DEVICE_ID_PATTERN, patterns="\n".join(map(_pattern, Topic))),
        ]
    )


def _object(name: str, meaning: str, value: Callable[[TopicSpec], str]) -> str:
    rows = "\n".join(f"  {row.topic.name}: {value(row)}," for row in TOPICS)
    return f"/** {meaning} */\nexport const {name} = {{\n{rows}\n}} as const;\n"


def _params() -> str:
    rows = "\n".join(f"  {topic.name}: {_param_type(topic)};" for topic in Topic)
    return f"/** What a topic's placeholders are filled with. */\nexport interface TopicParams {{\n{rows}\n}}\n"


def _param_type(topic: Topic) -> str:
    names = re.findall(r"\{(\w+)\}", topic.value)
    if not names:
        return "Readonly<Record<never, string>>"
    return "{ " + "; ".join(f"readonly {name}: string" for name in names) + " }"


def _pattern(topic: Topic) -> str:
    pattern = re.sub(r"\{(\w+)\}", r"(?<\1>[^/]+)", topic.value).replace("/", r"\/").replace(r"[^\/]", "[^/]")
    return f'  {{ name: "{topic.name}", pattern: /^{pattern}$/u }},'
