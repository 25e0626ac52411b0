/** The generated validators against the examples that every language is tested with. */

import { readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";

import { PAYLOAD_PARSERS, type PayloadName } from "@/contract/payloads";
import { parseLossless } from "@/lib/values/lossless";

const EXAMPLES = new URL("../../../acl/cases/examples/", import.meta.url).pathname;

interface Differences {
  readonly typescript_refuses: Readonly<Record<string, string>>;
  readonly typescript_accepts: Readonly<Record<string, string>>;
}

/** Where the browser judges otherwise than the others, each with its reason. */
const DIFFERENCES = JSON.parse(readFileSync(`${EXAMPLES}differences.json`, "utf8")) as Differences;

function examples(kind: "valid" | "invalid"): (readonly [PayloadName, string])[] {
  return (Object.keys(PAYLOAD_PARSERS) as PayloadName[]).flatMap((name) =>
    readdirSync(`${EXAMPLES}${name}/${kind}`).map((file) => [name, `${name}/${kind}/${file}`] as const),
  );
}

function judge(name: PayloadName, file: string): boolean {
  try {
    return PAYLOAD_PARSERS[name](parseLossless(readFileSync(EXAMPLES + file, "utf8"))).ok;
  } catch (error) {
    expect(error).toBeInstanceOf(SyntaxError);
    return false;
  }
}

test.each(examples("valid"))("%s_%s_is_taken", (name, file) => {
  expect(judge(name, file)).toBe(!Object.hasOwn(DIFFERENCES.typescript_refuses, file));
});

test.each(examples("invalid"))("%s_%s_is_refused", (name, file) => {
  expect(judge(name, file)).toBe(Object.hasOwn(DIFFERENCES.typescript_accepts, file));
});
