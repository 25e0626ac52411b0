/** Where in a form a refusal belongs. */

import { ApiProblem } from "@/lib/api/problem";

/** The kind of the problem, for example `name-taken`; empty for anything that is no refusal of the API. */
export function kindOf(error: Error | null): string {
  return error instanceof ApiProblem ? error.kind : "";
}

/** Whether what was refused is the name. */
export function isAboutName(error: Error | null): boolean {
  return kindOf(error) === "name-taken" || kindOf(error) === "invalid-name";
}

/** The number of the topic rule that was refused, from 0 on; `null` when the refusal is about none of them. */
export function refusedRule(error: Error | null): number | null {
  if (!(error instanceof ApiProblem) || error.kind !== "invalid-rule") {
    return null;
  }
  const { rule } = error.document;
  return typeof rule === "bigint" || typeof rule === "number" ? Number(rule) : null;
}
