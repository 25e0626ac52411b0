/**
 * Reads API answers field by field, so that an answer of another shape is one clear error and never a blank page.
 *
 * Input is what values/lossless.ts made (whole numbers are `bigint`). Unknown fields are ignored.
 * MQTT payloads are not read here but by contract/payloads.ts.
 */

import type { MetricValue } from "@/contract/payloads";

/** The answer does not have the shape that the contract says. */
export class UnexpectedAnswer extends Error {
  constructor(where: string) {
    super(`The server's answer was not understood (${where}). The dashboard and the server may be of different versions.`);
  }
}

export type Fields = Readonly<Record<string, unknown>>;

export function fields(value: unknown, where: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new UnexpectedAnswer(where);
  }
  return value as Fields;
}

export function list(value: unknown, where: string): readonly unknown[] {
  if (!Array.isArray(value)) {
    throw new UnexpectedAnswer(where);
  }
  return value;
}

export function text(from: Fields, name: string): string {
  const value = from[name];
  if (typeof value !== "string") {
    throw new UnexpectedAnswer(name);
  }
  return value;
}

export function optionalText(from: Fields, name: string): string | null {
  const value = from[name];
  return typeof value === "string" ? value : null;
}

export function texts(from: Fields, name: string): readonly string[] {
  return list(from[name], name).filter((each) => typeof each === "string");
}

export function amount(from: Fields, name: string): number {
  const value = from[name];
  if (typeof value !== "number" && typeof value !== "bigint") {
    throw new UnexpectedAnswer(name);
  }
  return Number(value);
}

export function flag(from: Fields, name: string): boolean {
  return from[name] === true;
}

export function metricValue(from: Fields, name: string): MetricValue {
  const value = from[name];
  if (typeof value !== "number" && typeof value !== "bigint" && typeof value !== "boolean") {
    throw new UnexpectedAnswer(name);
  }
  return value;
}

export function wholeNumber(from: Fields, name: string): bigint {
  const value = from[name];
  if (typeof value !== "bigint") {
    throw new UnexpectedAnswer(name);
  }
  return value;
}

/** An RFC 3339 time in ms since 1970. */
export function time(from: Fields, name: string): number {
  const at = Date.parse(text(from, name));
  if (Number.isNaN(at)) {
    throw new UnexpectedAnswer(name);
  }
  return at;
}

export function optionalTime(from: Fields, name: string): number | null {
  const value = optionalText(from, name);
  const at = value === null ? Number.NaN : Date.parse(value);
  return Number.isNaN(at) ? null : at;
}
