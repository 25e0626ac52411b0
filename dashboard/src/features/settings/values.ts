/** Values of settings as text and back: typed by people, checked before they are sent, exact for 64-bit integers. */

import type { Json } from "@/lib/api/config";
import { knownSetting, type KnownNumber, type KnownSetting } from "@/features/settings/known";
import { formatCount } from "@/lib/values/format";
import { parseLossless, writeLossless } from "@/lib/values/lossless";

export type FreeKind = "text" | "number" | "flag" | "json";

export type Read = { readonly ok: true; readonly value: Json } | { readonly ok: false; readonly problem: string };

const JSON_NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/u;
const DIGITS = /^(0|[1-9]\d*)$/u;
/** `3,600` is 3600 to one reader and 3.6 to another. */
const AMBIGUOUS = /^-?[1-9]\d{0,2}[.,]\d{3}$/u;
const KEY = /^[A-Za-z0-9._/-]{1,100}$/u;
const LARGEST = 2n ** 63n - 1n;
const SMALLEST = -(2n ** 63n);
const COUNTED_FROM = 10_000;

const good = (value: Json): Read => ({ ok: true, value });
const bad = (problem: string): Read => ({ ok: false, problem });

/** `0.05 to 3600 s`. */
export function boundsText({ least, most, unit }: KnownNumber): string {
  return `${plainNumber(least)} to ${plainNumber(most)} ${unit}`;
}

/** A value as people read it, with its unit when devices know it. */
export function valueText(key: string, value: Json): string {
  const rule = knownSetting(key)?.rule;
  if (rule?.kind === "number" && (typeof value === "number" || typeof value === "bigint")) {
    return `${plainNumber(Number(value))} ${rule.unit}`;
  }
  if (rule?.kind === "choice") {
    return rule.words.find((each) => each.value === value)?.label ?? jsonText(value);
  }
  return typeof value === "string" ? value : jsonText(value);
}

export function defaultText({ key, rule }: KnownSetting): string {
  return valueText(key, rule.initial);
}

export function jsonText(value: Json): string {
  return writeLossless(value);
}

/** What stands in the input when a value is edited. */
export function editText(value: Json): string {
  return typeof value === "string" ? value : jsonText(value);
}

/** The same for a key that devices know: `readKnownNumber` takes it as it stands. */
export function editKnownText(value: Json): string {
  return typeof value === "number" ? unambiguous(editText(value)) : editText(value);
}

export function kindOf(value: Json): FreeKind {
  if (typeof value === "string") {
    return "text";
  }
  if (typeof value === "boolean") {
    return "flag";
  }
  return typeof value === "number" || typeof value === "bigint" ? "number" : "json";
}

/** Reads a number for a key that devices know; separators of thousands are never guessed at. */
export function readKnownNumber(typed: string, rule: KnownNumber): Read {
  const text = typed.trim();
  if (!rule.whole && AMBIGUOUS.test(text)) {
    return bad(`Thousands or decimals? Write ${text.replace(/[.,]/u, "")} or ${unambiguous(String(Number(text.replace(",", "."))))}.`);
  }
  const plain = rule.whole ? text : text.replace(",", ".");
  const value = (rule.whole ? DIGITS : JSON_NUMBER).test(plain) ? Number(plain) : Number.NaN;
  if (value >= rule.least && value <= rule.most) {
    return good(rule.whole ? BigInt(value) : value);
  }
  return bad(rule.whole ? `It must be a whole number from ${boundsText(rule)}, in digits alone.` : `It must be a number from ${boundsText(rule)}.`);
}

/** The same number with so many decimals that nobody takes them for thousands. */
function unambiguous(decimals: string): string {
  return AMBIGUOUS.test(decimals) ? `${decimals}0` : decimals;
}

/** Reads the value of a free key. */
export function readFree(kind: FreeKind, typed: string): Read {
  switch (kind) {
    case "text":
      return good(typed);
    case "flag":
      return good(typed === "true");
    case "number":
      return JSON_NUMBER.test(typed.trim()) ? fitting(parseLossless(typed.trim())) : bad("Type a number, for example 12 or 0.5.");
    case "json":
      return readJson(typed);
  }
}

/** Why a key cannot be one for a free setting; empty when it can. */
export function keyProblem(key: string): string {
  if (knownSetting(key) !== null) {
    return `${key} is a setting that devices know. Change it in the list of those.`;
  }
  return KEY.test(key) && !key.startsWith("/") && !key.endsWith("/") ? "" : "A key is 1 to 100 of A-Z a-z 0-9 . _ - /, with no slash at its ends.";
}

function readJson(typed: string): Read {
  try {
    return fitting(parseLossless(typed));
  } catch {
    return bad('This is not JSON. Text stands in double quotes, for example {"shift": "early"}.');
  }
}

function fitting(value: Json): Read {
  if (typeof value === "bigint" && (value > LARGEST || value < SMALLEST)) {
    return bad("Whole numbers have at most 64 bits.");
  }
  return typeof value === "number" && !Number.isFinite(value) ? bad("This number is too large.") : good(value);
}

function plainNumber(value: number): string {
  return Number.isInteger(value) && value >= COUNTED_FROM ? formatCount(value) : String(value);
}
