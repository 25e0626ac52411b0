/**
 * What the tabs of one browser tell each other: a new access token, and that a session is over.
 *
 * One refresh at a time (Web Locks); a tab that waited takes what the other got. Messages go from memory to
 * memory (BroadcastChannel, same origin); nothing is stored. Where a browser lacks either, each tab refreshes
 * for itself, which the server allows.
 */

import type { Grant } from "@/lib/api/session";

const NAME = "pulse-session";
const MESSAGE_LIMIT_MS = 300;

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
  readonly #channel = typeof BroadcastChannel === "undefined" ? null : new BroadcastChannel(NAME);
  #newest: Grant | null = null;
  #onGrant: (grant: Grant) => void = () => undefined;
  #onSignOut: (notice: string) => void = () => undefined;

  constructor() {
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
    const free = await navigator.locks.request(NAME, { ifAvailable: true }, (lock) => lock !== null && this.#askAndTell(ask));
    return free === false ? this.#afterOther(held, ask) : free;
  }

  async #afterOther(held: Grant | null, ask: () => Promise<Grant>): Promise<Grant> {
    return navigator.locks.request(NAME, async () => {
      const given = await this.#newerThan(held);
      return given ?? this.#askAndTell(ask);
    });
  }

  async #askAndTell(ask: () => Promise<Grant>): Promise<Grant> {
    const grant = await ask();
    this.tellGrant(grant);
    return grant;
  }

  /** The other tab's message may arrive a little after its lock is free. */
  #newerThan(held: Grant | null): Promise<Grant | null> {
    const newer = (): Grant | null => (this.#newest !== null && this.#newest.token !== held?.token ? this.#newest : null);
    const found = newer();
    if (found !== null || this.#channel === null) {
      return Promise.resolve(found);
    }
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(limit);
        this.#channel?.removeEventListener("message", settle);
        resolve(newer());
      };
      const limit = setTimeout(settle, MESSAGE_LIMIT_MS);
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
