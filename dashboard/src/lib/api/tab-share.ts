/**
 * What the tabs of one browser tell each other: a new access token, and that a session is over.
 *
 * One refresh at a time (Web Locks); a tab whose turn comes later takes what the other got. Messages go from
 * memory to memory (BroadcastChannel, same origin); nothing is stored. They may arrive after the turn of the tab
 * they are for, so whoever refreshed keeps a lock whose name says when: locks are the same for all tabs at once.
 * Where a browser lacks either, each tab refreshes for itself, which the server allows.
 */

import type { Grant } from "@/lib/api/session";
import type { Clock } from "@/lib/time/clock";

const NAME = "pulse-session";
const REFRESHED_AT = `${NAME}-refreshed-at-`;
/** Waited only for what was surely told. */
const MESSAGE_LIMIT_MS = 2_000;

export interface TabShare {
  /** Runs *ask* alone among the tabs, or returns what another tab got while this one waited. *held*: what this tab has. */
  oneAtATime(held: Grant | null, ask: () => Promise<Grant>): Promise<Grant>;
  tellGrant(grant: Grant): void;
  /** *notice*: what the other tabs tell the person. */
  tellSignOut(notice: string): void;
  onGrant(run: (grant: Grant) => void): void;
  onSignOut(run: (notice: string) => void): void;
}

type Message = { readonly kind: "grant"; readonly grant: Grant } | { readonly kind: "sign-out"; readonly notice: string };

export class BrowserTabs implements TabShare {
  readonly #clock: Clock;
  readonly #channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(NAME);
  #newest: Grant | null = null;
  #dropMark: () => void = () => undefined;
  #onGrant: (grant: Grant) => void = () => undefined;
  #onSignOut: (notice: string) => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#channel?.addEventListener("message", (event: MessageEvent<Message>) => this.#hear(event.data));
  }

  onGrant(run: (grant: Grant) => void): void {
    this.#onGrant = run;
  }

  onSignOut(run: (notice: string) => void): void {
    this.#onSignOut = run;
  }

  tellGrant(grant: Grant): void {
    this.#newest = grant;
    this.#channel?.postMessage({ kind: "grant", grant } satisfies Message);
  }

  tellSignOut(notice: string): void {
    this.#newest = null;
    this.#channel?.postMessage({ kind: "sign-out", notice } satisfies Message);
  }

  async oneAtATime(held: Grant | null, ask: () => Promise<Grant>): Promise<Grant> {
    if (!("locks" in navigator)) {
      return ask();
    }
    const since = held?.givenAt ?? this.#clock.now();
    return navigator.locks.request(NAME, async () => {
      const given = (await anotherRefreshed(since)) ? await this.#toldAfter(since) : null;
      return given ?? this.#askAndTell(ask);
    });
  }

  async #askAndTell(ask: () => Promise<Grant>): Promise<Grant> {
    const grant = await ask();
    this.tellGrant(grant);
    await this.#mark(grant);
    return grant;
  }

  /** Resolves when every tab can see that there is *grant*; the mark stays until the next one, or the tab's end. */
  #mark(grant: Grant): Promise<void> {
    return new Promise((marked) => {
      void navigator.locks.request(`${REFRESHED_AT}${grant.givenAt}`, { mode: "shared" }, () => {
        this.#dropMark();
        marked();
        return new Promise<void>((drop) => (this.#dropMark = drop));
      });
    });
  }

  /** What another tab has told, or tells within the limit. */
  #toldAfter(since: number): Promise<Grant | null> {
    const newer = (): Grant | null => (this.#newest !== null && this.#newest.givenAt > since ? this.#newest : null);
    const found = newer();
    if (found !== null || this.#channel === null) {
      return Promise.resolve(found);
    }
    return new Promise((resolve) => {
      const settle = (): void => {
        this.#clock.cancel(limit);
        this.#channel?.removeEventListener("message", settle);
        resolve(newer());
      };
      const limit = this.#clock.after(MESSAGE_LIMIT_MS, settle);
      this.#channel?.addEventListener("message", settle);
    });
  }

  #hear(message: Message): void {
    if (message.kind === "grant") {
      this.#newest = message.grant;
      this.#onGrant(message.grant);
    } else {
      this.#newest = null;
      this.#onSignOut(message.notice);
    }
  }
}

/** Whether a tab that is still open has refreshed after *since* (ms on this browser's clock). */
async function anotherRefreshed(since: number): Promise<boolean> {
  const { held = [] } = await navigator.locks.query();
  return held.some(({ name = "" }) => name.startsWith(REFRESHED_AT) && Number(name.slice(REFRESHED_AT.length)) > since);
}
