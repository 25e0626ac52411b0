/**
 * Who is signed in, in this tab and its siblings: sign-in, forced first change, refresh, sign-out, end.
 *
 * The access token stays in memory; what survives a reload is the HttpOnly cookie that only the server reads.
 * Tabs share one refresh (tab-share.ts). A refused refresh ends the session visibly; a server that cannot be
 * reached does not. `send` is the way for every other call: it adds the token and renews it when refused.
 * Rights come with each refresh: at four fifths of a token's life, when a call was refused for want of a
 * permission, and when somebody asks (`freshRights`).
 */

import type { Answer, Call, Send } from "@/lib/api/http";
import { ApiProblem, endingSentence } from "@/lib/api/problem";
import { amount, fields, flag, text, texts } from "@/lib/api/reading";
import type { TabShare } from "@/lib/api/tab-share";
import { ValueStore, type ReadableStore } from "@/lib/store/value-store";
import type { Clock } from "@/lib/time/clock";

export interface Person {
  readonly id: string;
  readonly username: string;
  readonly roles: readonly string[];
  readonly permissions: ReadonlySet<string>;
}

/** `restoring`: asking the server at load. `must-change`: signed in, but only to choose a password. */
export type SessionState =
  | { readonly phase: "restoring"; readonly trouble: string }
  | { readonly phase: "signed-out"; readonly notice: string }
  | { readonly phase: "must-change"; readonly person: Person }
  | { readonly phase: "signed-in"; readonly person: Person };

export interface Grant {
  readonly token: string;
  /** On this browser's clock, in ms, like `renewAt`. */
  readonly givenAt: number;
  readonly renewAt: number;
  readonly person: Person;
  readonly mustChange: boolean;
}

const ELSEWHERE = "You signed out in another tab.";
const UNHEARD = "You are signed out here, but the server could not be told yet. Leave this page open: it is tried again by itself.";
const RETRY_MS = 3_000;
const RETRY_RENEWAL_MS = 10_000;
/** Rights that are younger than this are not asked for again. */
const FRESH_RIGHTS_MS = 2_000;
/** Nothing to tell at load: nobody was signed in, or somebody signed out on purpose. */
const SILENT_AT_LOAD: ReadonlySet<unknown> = new Set([undefined, "NO_SESSION", "SIGNED_OUT"]);

function readGrant(body: unknown, now: number): Grant {
  const found = fields(body, "session");
  const user = fields(found.user, "user");
  return {
    token: text(found, "access_token"),
    givenAt: now,
    renewAt: now + amount(found, "expires_in") * 800,
    mustChange: flag(found, "must_change_password"),
    person: {
      id: text(user, "id"),
      username: text(user, "username"),
      roles: texts(user, "roles"),
      permissions: new Set(texts(user, "permissions")),
    },
  };
}

export class Session {
  readonly #http: Send;
  readonly #clock: Clock;
  readonly #tabs: TabShare;
  readonly #store = new ValueStore<SessionState>({ phase: "restoring", trouble: "" });
  #grant: Grant | null = null;
  /** The password just typed, only until the forced change is done, so that it is not asked for twice. */
  #typed = "";
  #refreshing: Promise<Grant> | null = null;
  #renewal: number | null = null;
  /** Counts ends, so that an answer to an earlier session brings nobody back. */
  #ends = 0;

  constructor(http: Send, clock: Clock, tabs: TabShare) {
    this.#http = http;
    this.#clock = clock;
    this.#tabs = tabs;
    tabs.onGrant((grant) => this.#accept(grant));
    tabs.onSignOut((notice) => this.#end(notice));
  }

  get state(): ReadableStore<SessionState> {
    return this.#store;
  }

  /** At load: finds out by the cookie whether somebody is signed in; asks until the server has answered. */
  async restore(): Promise<void> {
    try {
      await this.#refresh();
    } catch (error) {
      if (this.#store.get().phase !== "restoring") {
        return;
      }
      if (error instanceof ApiProblem && !error.isOutage) {
        this.#store.set({ phase: "signed-out", notice: SILENT_AT_LOAD.has(error.document.reason) ? "" : endingSentence(error) });
        return;
      }
      this.#store.set({ phase: "restoring", trouble: error instanceof Error ? error.message : "" });
      this.#clock.after(RETRY_MS, () => void this.restore());
    }
  }

  /** @throws ApiProblem with a sentence for the person when it is refused. */
  async signIn(username: string, password: string): Promise<void> {
    const answer = await this.#http({ method: "POST", path: "/auth/login", body: { username, password } });
    const grant = readGrant(answer.body, this.#clock.now());
    this.#typed = grant.mustChange ? password : "";
    this.#share(grant);
  }

  /** Whether the present password must be asked for before a change. */
  get asksForCurrent(): boolean {
    return this.#typed === "";
  }

  /** Changes the signed-in person's password; *current* may be empty when it was just typed. @throws ApiProblem when refused. */
  async changePassword(current: string, next: string): Promise<void> {
    const body = { current: current === "" ? this.#typed : current, new: next };
    const answer = await this.send({ method: "POST", path: "/auth/password", body });
    this.#typed = "";
    // The change ends all sessions of this person; the answer begins a new one.
    this.#share(readGrant(answer.body, this.#clock.now()));
  }

  /** Signs out in every tab, at once; a server that does not hear of it is told again until it does. */
  signOut(): void {
    const bearer = this.#bearer();
    this.#tabs.tellSignOut(ELSEWHERE);
    this.#end("");
    void this.#tellServer(bearer);
  }

  /** Makes sure that the person's rights are of just now, for what follows from them. @throws ApiProblem when that fails. */
  async freshRights(): Promise<void> {
    if (this.#grant !== null && this.#clock.now() - this.#grant.givenAt > FRESH_RIGHTS_MS) {
      await this.#refreshOrEnd();
    }
  }

  /**
   * Sends a call as the signed-in person.
   *
   * @throws ApiProblem; a 401 has ended the session by then.
   */
  readonly send: Send = async (call) => {
    if (this.#grant === null || this.#grant.renewAt <= this.#clock.now()) {
      await this.#refreshOrEnd();
    }
    try {
      return await this.#http({ ...call, ...this.#bearer() });
    } catch (error) {
      if (error instanceof ApiProblem && (error.status === 401 || error.kind === "password-change-required")) {
        return this.#sendAgain(call);
      }
      if (error instanceof ApiProblem && error.kind === "permission-missing") {
        await this.freshRights().catch(() => undefined);
      }
      throw error;
    }
  };

  async #sendAgain(call: Call): Promise<Answer> {
    await this.#refreshOrEnd();
    return this.#http({ ...call, ...this.#bearer() });
  }

  #bearer(): { bearer?: string } {
    return this.#grant === null ? {} : { bearer: this.#grant.token };
  }

  async #refreshOrEnd(): Promise<void> {
    try {
      await this.#refresh();
    } catch (error) {
      if (error instanceof ApiProblem && (error.status === 401 || error.status === 403)) {
        const notice = endingSentence(error);
        this.#tabs.tellSignOut(notice);
        this.#end(notice);
      }
      throw error;
    }
  }

  async #refresh(): Promise<void> {
    const ends = this.#ends;
    this.#refreshing ??= this.#tabs.oneAtATime(this.#grant, () => this.#askForGrant());
    try {
      const grant = await this.#refreshing;
      if (ends === this.#ends) {
        this.#accept(grant);
      }
    } finally {
      this.#refreshing = null;
    }
  }

  async #askForGrant(): Promise<Grant> {
    const answer = await this.#http({ method: "POST", path: "/auth/refresh" });
    return readGrant(answer.body, this.#clock.now());
  }

  async #tellServer(bearer: { bearer?: string }): Promise<void> {
    try {
      await this.#http({ method: "POST", path: "/auth/logout", ...bearer });
      this.#noteUnheard(UNHEARD, "");
    } catch (error) {
      // Whoever signs in meanwhile replaces the session that was left.
      if (error instanceof ApiProblem && error.isOutage && this.#store.get().phase === "signed-out") {
        this.#noteUnheard("", UNHEARD);
        this.#clock.after(RETRY_MS, () => this.#store.get().phase === "signed-out" && void this.#tellServer(bearer));
      }
    }
  }

  #noteUnheard(from: string, to: string): void {
    const state = this.#store.get();
    if (state.phase === "signed-out" && state.notice === from) {
      this.#store.set({ phase: "signed-out", notice: to });
    }
  }

  #share(grant: Grant): void {
    this.#accept(grant);
    this.#tabs.tellGrant(grant);
  }

  #accept(grant: Grant): void {
    this.#grant = grant;
    this.#planRenewal(grant.renewAt - this.#clock.now());
    this.#store.set({ phase: grant.mustChange ? "must-change" : "signed-in", person: grant.person });
  }

  #planRenewal(delayMs: number): void {
    this.#cancelRenewal();
    this.#renewal = this.#clock.after(Math.max(0, delayMs), () => {
      this.#refreshOrEnd().catch(() => this.#grant !== null && this.#planRenewal(RETRY_RENEWAL_MS));
    });
  }

  #cancelRenewal(): void {
    if (this.#renewal !== null) {
      this.#clock.cancel(this.#renewal);
      this.#renewal = null;
    }
  }

  #end(notice: string): void {
    this.#ends += 1;
    this.#cancelRenewal();
    this.#grant = null;
    this.#typed = "";
    if (this.#store.get().phase !== "signed-out") {
      this.#store.set({ phase: "signed-out", notice });
    }
  }
}
