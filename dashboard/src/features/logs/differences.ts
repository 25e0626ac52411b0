/** What two states of a record have that the other has not, field by field, in words. */

import { visibleText } from "@/features/logs/visible";
import { writeLossless } from "@/lib/values/lossless";

export interface Difference {
  readonly name: string;
  /** `null`: the field was not there. */
  readonly before: string | null;
  readonly after: string | null;
  readonly isChanged: boolean;
}

const NAMES = new Map([["config_value", "value"]]);

/** Every field of either state; the changed ones come first. */
export function differences(before: unknown, after: unknown): readonly Difference[] {
  const [earlier, later] = [asFields(before), asFields(after)];
  const names = [...new Set([...earlier.keys(), ...later.keys()])];
  const rows = names.map((name) => {
    const [old, now] = [textOf(earlier, name), textOf(later, name)];
    return { name: NAMES.get(name) ?? name, before: old, after: now, isChanged: old !== now };
  });
  return [...rows.filter((each) => each.isChanged), ...rows.filter((each) => !each.isChanged)];
}

/** A JSON value as text: strings bare, lists of words by commas. */
export function documentText(value: unknown): string {
  if (typeof value === "string") {
    return visibleText(value);
  }
  if (Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === "string")) {
    return visibleText(value.join(", "));
  }
  return visibleText(writeLossless(value));
}

function asFields(document: unknown): ReadonlyMap<string, unknown> {
  if (document === null || document === undefined) {
    return new Map();
  }
  return typeof document === "object" && !Array.isArray(document) ? new Map(Object.entries(document)) : new Map([["value", document]]);
}

function textOf(fields: ReadonlyMap<string, unknown>, name: string): string | null {
  return fields.has(name) ? documentText(fields.get(name)) : null;
}
