/**
 * One HTTP call to the API of our own origin: JSON in, JSON out without loss, problems as `ApiProblem`.
 *
 * It knows no session (session.ts adds the token) and keeps no state but who wants to hear of outcomes.
 */

import { ApiProblem, sentenceFor } from "@/lib/api/problem";
import { fields, optionalText } from "@/lib/api/reading";
import { parseLossless, writeLossless } from "@/lib/values/lossless";

const TIMEOUT_MS = 15_000;
const PREFIX = "/api/v1";

export interface Call {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Below `/api/v1`, for example `/devices`. */
  readonly path: string;
  readonly body?: unknown;
  readonly bearer?: string;
  /** The `ETag` that the record must still have. */
  readonly ifMatch?: string;
}

export interface Answer {
  readonly body: unknown;
  /** The server's clock when it answered, in ms; `null` when it did not say. */
  readonly serverTime: number | null;
  /** The record's version, for `ifMatch`; `null` when the answer has none. */
  readonly etag: string | null;
}

/** Sends a call; tests and the session replace it. */
export type Send = (call: Call) => Promise<Answer>;

function request(call: Call): RequestInit {
  const headers = new Headers({ accept: "application/json, application/problem+json" });
  if (call.bearer !== undefined) {
    headers.set("authorization", `Bearer ${call.bearer}`);
  }
  if (call.ifMatch !== undefined) {
    headers.set("if-match", call.ifMatch);
  }
  if (call.body !== undefined) {
    headers.set("content-type", "application/json");
  }
  return {
    method: call.method,
    headers,
    body: call.body === undefined ? null : writeLossless(call.body),
    credentials: "same-origin",
    cache: "no-store",
    signal: AbortSignal.timeout(TIMEOUT_MS),
  };
}

function problemOf(response: Response, body: unknown): ApiProblem {
  const found = typeof body === "object" && body !== null ? fields(body, "problem") : {};
  const kind = (optionalText(found, "type") ?? "").split(/[/:#]/u).at(-1) ?? "";
  const detail = optionalText(found, "detail") ?? optionalText(found, "title") ?? "";
  const wait = Number(response.headers.get("retry-after") ?? Number.NaN);
  return new ApiProblem(response.status, kind, sentenceFor(response.status, kind, detail), Number.isNaN(wait) ? null : wait, found);
}

async function bodyOf(response: Response): Promise<unknown> {
  const text = await response.text();
  if (text === "" || !(response.headers.get("content-type") ?? "").includes("json")) {
    return null;
  }
  try {
    return parseLossless(text);
  } catch {
    throw new ApiProblem(response.status, "", "The server's answer could not be read.");
  }
}

/**
 * Sends *call* to our own origin.
 *
 * @throws ApiProblem when no answer came (status 0) or the answer is an error.
 */
export const sendHttp: Send = async (call) => {
  let response: Response;
  try {
    response = await fetch(PREFIX + call.path, request(call));
  } catch {
    throw new ApiProblem(0, "", sentenceFor(0, "", ""));
  }
  const body = await bodyOf(response);
  if (!response.ok) {
    throw problemOf(response, body);
  }
  const date = Date.parse(response.headers.get("date") ?? "");
  return { body, serverTime: Number.isNaN(date) ? null : date, etag: response.headers.get("etag") };
};
