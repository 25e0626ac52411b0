/** Users, roles, permissions, and the explanation of a decision: what the API says of them, and the changes it takes. */

import type { Send } from "@/lib/api/http";
import { amount, fields, flag, list, optionalText, text, texts, time, type Fields } from "@/lib/api/reading";

export type AccessPath = "/users" | "/roles" | "/permissions";

/** What users, roles and permissions have in common. */
export interface AccessRecord {
  readonly id: string;
  readonly name: string;
  /** What has been seen, to be sent along with a change. */
  readonly etag: string;
  readonly updatedAt: number;
  readonly updatedBy: string;
  /** Where the newest change was made: `web`, `desktop:<client_id>`, `system`. */
  readonly source: string;
}

export interface User extends AccessRecord {
  readonly isActive: boolean;
  readonly roles: readonly string[];
}

export interface Role extends AccessRecord {
  readonly description: string;
  readonly permissions: readonly string[];
}

export type TopicAction = "publish" | "subscribe";

export interface TopicRule {
  readonly action: TopicAction;
  readonly topic: string;
}

export interface Permission extends AccessRecord {
  readonly description: string;
  readonly rules: readonly TopicRule[];
}

/** What runs for a person now, and from which version of the records on a device knows their newest change. */
export interface Reach {
  readonly sessions: number;
  readonly connections: number;
  readonly integrations: number;
  readonly history: string;
  readonly version: number;
}

export interface Explanation {
  readonly principal: string;
  readonly action: TopicAction;
  readonly topic: string;
  readonly allowed: boolean;
  /** Why it is denied; empty when it is allowed. */
  readonly reason: string;
  readonly rule: TopicRule | null;
  readonly grantedBy: readonly { readonly role: string; readonly permission: string }[];
}

function action(from: Fields): TopicAction {
  return text(from, "action") === "publish" ? "publish" : "subscribe";
}

function rule(from: Fields): TopicRule {
  return { action: action(from), topic: text(from, "topic") };
}

function record(from: Fields, name: string): AccessRecord {
  return {
    id: text(from, "id"),
    name: text(from, name),
    etag: optionalText(from, "etag") ?? "",
    updatedAt: time(from, "updated_at"),
    updatedBy: text(from, "updated_by"),
    source: text(from, "source"),
  };
}

export function readUser(from: Fields): User {
  return { ...record(from, "username"), isActive: flag(from, "is_active"), roles: texts(from, "roles") };
}

export function readRole(from: Fields): Role {
  return { ...record(from, "name"), description: text(from, "description"), permissions: texts(from, "permissions") };
}

export function readPermission(from: Fields): Permission {
  const rules = list(from.rules, "rules").map((each) => rule(fields(each, "rules")));
  return { ...record(from, "name"), description: text(from, "description"), rules };
}

/** One record as it is now, with its tag. */
export async function readOne<T extends AccessRecord>(send: Send, path: AccessPath, id: string, read: (from: Fields) => T): Promise<T> {
  const answer = await send({ method: "GET", path: `${path}/${id}` });
  return { ...read(fields(answer.body, path)), etag: answer.etag ?? "" };
}

export async function create<T extends AccessRecord>(send: Send, path: AccessPath, body: unknown, read: (from: Fields) => T): Promise<T> {
  const answer = await send({ method: "POST", path, body });
  return { ...read(fields(answer.body, path)), etag: answer.etag ?? "" };
}

/** Changes what *seen* still is. @throws ApiProblem 412 when somebody else was faster. */
export async function change<T extends AccessRecord>(send: Send, path: AccessPath, seen: T, body: unknown, read: (from: Fields) => T): Promise<T> {
  const answer = await send({ method: "PATCH", path: `${path}/${seen.id}`, body, ifMatch: seen.etag });
  return { ...read(fields(answer.body, path)), etag: answer.etag ?? "" };
}

export async function remove(send: Send, path: AccessPath, seen: AccessRecord): Promise<void> {
  await send({ method: "DELETE", path: `${path}/${seen.id}`, ifMatch: seen.etag });
}

export async function readReach(send: Send, userId: string): Promise<Reach> {
  const found = fields((await send({ method: "GET", path: `/users/${userId}/reach` })).body, "reach");
  return {
    sessions: amount(found, "sessions"),
    connections: amount(found, "connections"),
    integrations: amount(found, "integrations"),
    history: text(found, "history"),
    version: amount(found, "version"),
  };
}

/** Whether *principal* may do that now, and why. @throws ApiProblem 404 for nobody known. */
export async function explain(send: Send, principal: string, asked: TopicRule): Promise<Explanation> {
  const query = new URLSearchParams({ principal, action: asked.action, topic: asked.topic });
  const found = fields((await send({ method: "GET", path: `/acl/explain?${query.toString()}` })).body, "explain");
  return {
    principal: text(found, "principal"),
    action: action(found),
    topic: text(found, "topic"),
    allowed: flag(found, "allowed"),
    reason: optionalText(found, "reason") ?? "",
    rule: found.rule === null || found.rule === undefined ? null : rule(fields(found.rule, "rule")),
    grantedBy: list(found.granted_by, "granted_by").map((each) => {
      const grant = fields(each, "granted_by");
      return { role: text(grant, "role"), permission: text(grant, "permission") };
    }),
  };
}
