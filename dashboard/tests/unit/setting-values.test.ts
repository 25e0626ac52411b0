/** What people type for a setting, and what is made of it. */

import { describe, expect, it } from "vitest";

import { KNOWN, knownSetting, type KnownNumber } from "@/features/settings/known";
import { editKnownText, readKnownNumber, type Read } from "@/features/settings/values";

function typed(key: string, text: string): Read {
  return readKnownNumber(text, knownSetting(key)?.rule as KnownNumber);
}

const problemOf = (read: Read): string => (read.ok ? "" : read.problem);

describe("a number that is typed for a setting", () => {
  it("is taken with a point or a comma before its decimals", () => {
    for (const text of ["0.25", "0,25", " 0.250 "]) {
      expect(typed("sampling_interval", text)).toEqual({ ok: true, value: 0.25 });
    }
    expect(typed("sampling_interval", "3600")).toEqual({ ok: true, value: 3600 });
  });

  it.each(["1,000", "1.000", "1.5", "1e2", "1 000", "1,000,000", ""])("is not taken as %o where it must be whole", (text) => {
    expect(problemOf(typed("flush_batch_size", text))).toContain("in digits alone");
  });

  it("is taken where it must be whole when it is digits", () => {
    expect(typed("flush_batch_size", "1000")).toEqual({ ok: true, value: 1000n });
    expect(problemOf(typed("flush_batch_size", "1001"))).toContain("a whole number from 1 to 1000 readings");
  });

  it.each([0.05, 0.125, 1.125, 1.5, 100.25, 3600])("is taken as it stands in the input when %d is edited", (value) => {
    expect(typed("sampling_interval", editKnownText(value))).toEqual({ ok: true, value });
  });

  it("is taken as it stands in the input when a default is edited", () => {
    for (const { key, rule } of KNOWN) {
      if (rule.kind === "number") {
        expect(typed(key, editKnownText(rule.initial)).ok).toBe(true);
      }
    }
  });

  it.each([
    ["3,600", "3600", "3.6"],
    ["3.600", "3600", "3.6"],
    ["1,125", "1125", "1.1250"],
  ])("is asked for again as %s, which reads as thousands and as decimals", (text, thousands, decimals) => {
    expect(problemOf(typed("sampling_interval", text))).toContain(`Write ${thousands} or ${decimals}`);
    expect(typed("sampling_interval", decimals)).toEqual({ ok: true, value: Number(decimals) });
  });
});
