/** What the Users page works out by itself: rights, kept edits, passwords, what desktops know, where refusals belong. */

import { describe, expect, it } from "vitest";

import { examples, nameSuggestions, principalKind } from "@/features/access/asking";
import { countChars, generatePassword, passwordProblem } from "@/features/access/new-password";
import { knows } from "@/features/access/reach";
import { rebase, touched } from "@/features/access/rebase";
import { kindOf, refusedRule } from "@/features/access/refusals";
import { comparable, heldPermissions, peopleWith } from "@/features/access/rights";
import { readPermission, readUser, type Role } from "@/lib/api/access";
import { ApiProblem, sentenceFor } from "@/lib/api/problem";
import type { Heartbeat } from "@/contract/payloads";

const STAMPS = { created_at: "2026-01-01T00:00:00.000Z", updated_at: "2026-01-02T00:00:00.000Z", updated_by: "user:ann", source: "web" };

function role(name: string, ...permissions: string[]): Role {
  return { id: name, name, description: "", permissions, etag: "", updatedAt: 0, updatedBy: "", source: "" };
}

describe("rights", () => {
  const roles = [role("A", "SEE", "ACT"), role("B", "SEE"), role("C", "RULE")];

  it("names for each permission every role that gives it, and nothing of other roles", () => {
    expect(heldPermissions(["B", "A"], roles, []).map(({ name, from }) => [name, from])).toEqual([
      ["ACT", ["A"]],
      ["SEE", ["A", "B"]],
    ]);
  });

  it("knows of no permission through a role that is not there (any more)", () => {
    expect(heldPermissions(["GONE"], roles, [])).toEqual([]);
  });

  it("counts people by their roles, and compares names in any case and form", () => {
    const user = readUser({ id: "1", username: "Ann", is_active: true, roles: ["A"], etag: '"x"', ...STAMPS });
    expect(peopleWith("A", [user])).toEqual([user]);
    expect(peopleWith("B", [user])).toEqual([]);
    expect(comparable("ＡＮＮ")).toBe(comparable("ann"));
  });
});

describe("edits on top of a newer state", () => {
  const seen = { name: "x", roles: ["A"], note: "old" };

  it("keep what the person touched and follow in all else", () => {
    expect(rebase({ ...seen, roles: ["A", "B"] }, seen, { name: "y", roles: ["C"], note: "old" })).toEqual({ name: "y", roles: ["A", "B"], note: "old" });
  });

  it("are none when nothing was touched, whatever the order of the same objects", () => {
    expect(touched({ ...seen, roles: ["A"] }, seen)).toEqual([]);
    expect(rebase(seen, seen, { ...seen, note: "new" }).note).toBe("new");
  });
});

describe("new passwords", () => {
  it("are refused with the bounds in words, counted in characters as the API counts", () => {
    expect(passwordProblem("123456789")).toContain("at least 10");
    expect(passwordProblem("1234567890")).toBe("");
    expect(passwordProblem("x".repeat(257))).toContain("at most 256");
    expect(countChars("🔑".repeat(9))).toBe(9);
    expect(passwordProblem("🔑".repeat(9))).toContain("at least 10");
  });

  it("made by the machine fit the rules, differ, and use every byte", () => {
    expect(passwordProblem(generatePassword())).toBe("");
    expect(generatePassword()).not.toBe(generatePassword());
    const counting = generatePassword((into) => into.map((_, at) => at));
    expect(counting).toBe("abcd-efgh-ijkm-npqr-stuv");
  });
});

describe("what a desktop knows of a person's newest change", () => {
  const reach = { history: "h1", version: 7 };
  const device = (history: string | null, version: number | null): Parameters<typeof knows>[0] => ({ figures: { history, identity_version: version } as Heartbeat });

  it("is judged by history and version of its last heartbeat", () => {
    expect(knows(device("h1", 7), reach)).toBe(true);
    expect(knows(device("h1", 6), reach)).toBe(false);
    expect(knows(device("h0", 9), reach)).toBe(false);
  });

  it("is no question for a device that mirrors nobody or was never heard", () => {
    expect(knows(device("h1", null), reach)).toBeNull();
    expect(knows({ figures: null }, reach)).toBeNull();
  });
});

describe("refusals", () => {
  it("of a rule name its row, whatever kind of number the answer holds", () => {
    expect(refusedRule(new ApiProblem(422, "invalid-rule", "no", null, { rule: 2n }))).toBe(2);
    expect(refusedRule(new ApiProblem(422, "invalid-rule", "no"))).toBeNull();
    expect(refusedRule(new ApiProblem(422, "invalid-value", "no", null, { rule: 1n }))).toBeNull();
    expect(kindOf(new Error("x"))).toBe("");
  });

  it("that say themselves why are said in their own words", () => {
    expect(sentenceFor(409, "last-administrator", "The last one stays.")).toBe("The last one stays.");
    expect(sentenceFor(403, "cannot-grant", "Nobody grants.")).toBe("Nobody grants.");
    expect(sentenceFor(409, "something-else", "Internal words")).toContain("Someone else changed this");
  });
});

describe("questions", () => {
  it("are offered for every kind, and none without a name", () => {
    for (const kind of ["user", "device", "integration", "service"] as const) {
      expect(examples(kind, "ann").length).toBeGreaterThan(1);
      expect(examples(kind, "  ")).toEqual([]);
    }
    const published = (["user", "device", "integration", "service"] as const).flatMap((kind) => examples(kind, "ann")).filter((each) => each.action === "publish");
    // Nobody publishes to a filter: the answer would be about the question, not about the right.
    expect(published.filter((each) => each.topic.includes("+"))).toEqual([]);
    expect(examples("device", "<b>").every((each) => !each.topic.includes("<"))).toBe(true);
  });

  it("come from an address of any shape without breaking", () => {
    expect(principalKind("__proto__")).toBe("user");
    expect(nameSuggestions("service", [], [])).toContain("ingest");
  });
});

describe("answers", () => {
  it("of another shape are one clear error", () => {
    expect(() => readPermission({ id: "1", name: "X", description: "", rules: [{ action: "subscribe" }], ...STAMPS })).toThrow("not understood");
  });
});
