/**
 * What can go wrong with a call, in words that say what to do. Errors of the API are RFC 9457 problems whose
 * `type` is stable; the sentences for people live here and nowhere else.
 */

import type { Fields } from "@/lib/api/reading";

/** What the API answers while it is well: asking the same again at once brings the same answer. */
const NO_OUTAGE: ReadonlySet<string> = new Set(["query-too-slow", "broker-unavailable", "certificate-missing"]);

export class ApiProblem extends Error {
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** Last part of the problem's `type`, for example `invalid-credentials`; empty when there is none. */
  readonly kind: string;
  /** Seconds to wait, when the server said so. */
  readonly retryAfterS: number | null;
  /** The whole problem document, for what one kind says beside its sentence. */
  readonly document: Fields;

  constructor(status: number, kind: string, message: string, retryAfterS: number | null = null, document: Fields = {}) {
    super(message);
    this.status = status;
    this.kind = kind;
    this.retryAfterS = retryAfterS;
    this.document = document;
  }

  /** Whether the server could not be reached or is not well, so that trying again can help. */
  get isOutage(): boolean {
    return this.status === 0 || (this.status >= 500 && !NO_OUTAGE.has(this.kind));
  }
}

/** By the last part of a problem's `type`; what is not here goes by its status. */
const BY_KIND = new Map<string, string>([
  ["wrong-credentials", "User name or password is wrong."],
  ["wrong-password", "The present password is wrong."],
  ["password-change-required", "The password must be changed before anything else."],
  ["database-unavailable", "The server's database does not answer. It is tried again by itself."],
  ["broker-unavailable", "The server cannot reach the broker at present. Try again in a moment."],
  ["certificate-missing", "The broker has no certificate yet. Start the broker once, then try again."],
  ["query-too-slow", "That took the server too long. Ask for less: a shorter time, or a narrower filter."],
]);

/** The server's own sentence says more than anything that could stand here. */
const SAYS_ITSELF: ReadonlySet<string> = new Set(["cannot-grant", "last-administrator", "name-taken", "permission-missing", "unknown-principal", "unknown-record"]);

const BY_STATUS = new Map<number, string>([
  [0, "The server cannot be reached. It is tried again by itself."],
  [401, "The session is over. Sign in again."],
  [403, "This account is not allowed to do that. An administrator can change its roles."],
  [404, "This does not exist (any more)."],
  [409, "Someone else changed this in the meantime. Reload and try again."],
  [412, "Someone else changed this in the meantime. Reload and try again."],
  [413, "That is too large."],
  [429, "Too many tries. Wait a moment."],
]);

/** Returns the sentence for an error; *detail* is the server's own, used where it says more. */
export function sentenceFor(status: number, kind: string, detail: string): string {
  if (status >= 500 && !BY_KIND.has(kind)) {
    return "The server has a problem of its own. It is tried again by itself.";
  }
  const says = status === 400 || status === 422 || SAYS_ITSELF.has(kind);
  const known = BY_KIND.get(kind) ?? (says && detail !== "" ? undefined : BY_STATUS.get(status));
  return known ?? (detail === "" ? "The server did not accept that." : detail);
}

const RUN_OUT = "Your session has run out. Sign in to go on where you were.";

/** By the `reason` of a refused refresh. */
const ENDINGS = new Map<string, string>([
  ["EXPIRED", RUN_OUT],
  ["NO_SESSION", RUN_OUT],
  ["SIGNED_OUT", "This session was signed out. Sign in to go on where you were."],
  ["ACCOUNT_ENDED", "This account was deactivated, so its sessions have ended. Ask an administrator if you should still have it."],
  ["PASSWORD_CHANGED", "The password of this account was changed, which ends every session. Sign in with the new password."],
  ["REUSED", "This session was ended for safety: its cookie was used from two places. Sign in again, and change your password if you cannot explain it."],
]);

/** What happened to a session whose refresh was refused, and what to do. */
export function endingSentence(problem: ApiProblem): string {
  const { reason } = problem.document;
  return (typeof reason === "string" ? ENDINGS.get(reason) : undefined) ?? "Your session has ended. Sign in to go on where you were.";
}
