/** Which refusals mean that the API is away, so that it is asked again by itself and the screen says so. */

import { expect, it } from "vitest";

import { ObservedApi } from "@/lib/api/observed";
import { ApiProblem, sentenceFor } from "@/lib/api/problem";
import { systemClock } from "@/lib/time/clock";

async function stateAfter(problem: ApiProblem): Promise<string> {
  const api = new ObservedApi(() => Promise.reject(problem), systemClock);
  await expect(api.send({ method: "GET", path: "/logs/audit" })).rejects.toBe(problem);
  return api.state.get();
}

it.each([
  [0, ""],
  [500, ""],
  [502, ""],
  [503, "database-unavailable"],
])("an answer of %i %s is an outage", async (status, kind) => {
  const problem = new ApiProblem(status, kind, "no");
  expect(problem.isOutage).toBe(true);
  expect(await stateAfter(problem)).toBe("unreachable");
});

it.each([
  [503, "query-too-slow"],
  [503, "broker-unavailable"],
  [503, "certificate-missing"],
  [403, "permission-missing"],
])("an answer of %i %s is the API's own word: it is there, and is not asked the same again", async (status, kind) => {
  const problem = new ApiProblem(status, kind, "no");
  expect(problem.isOutage).toBe(false);
  expect(await stateAfter(problem)).toBe("ok");
  expect(sentenceFor(status, kind, "")).not.toContain("by itself");
});
