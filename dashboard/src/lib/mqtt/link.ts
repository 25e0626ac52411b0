/**
 * The link to the broker over time: which connection counts, when the next try is, when a token is renewed.
 *
 * One connection at a time, except while a token is renewed: the second one (fresh client id) is up and
 * subscribed before the first is closed, so nothing on the screen stops; the stores drop what arrives twice.
 * States are those of `LinkState`; clock, randomness, tokens and connections are passed in. It knows no
 * payloads (inbox.ts) and draws nothing. Read next: worker-connection.ts, backoff.ts.
 */

import { TokenDenied, type BrokerToken, type FetchToken } from "@/lib/api/broker-token";
import { backoffMs, renewAfterMs } from "@/lib/mqtt/backoff";
import type { Connection, Ending, OpenConnection } from "@/lib/mqtt/connection";
import type { Message } from "@/lib/mqtt/read-message";
import type { Clock } from "@/lib/time/clock";

/** Longest silence of a connection that is up: a ping is answered every 10 s, services speak every 5 s. */
export const SILENCE_LIMIT_MS = 12_000;
/** How long an asked-for sign of life may take before the connection is given up. */
export const PROBE_LIMIT_MS = 3_000;
/** From opening a connection to all subscriptions granted. */
export const CONNECT_LIMIT_MS = 12_000;
const TOKEN_MARGIN_MS = 5_000;
const WATCH_EVERY_MS = 1_000;

/**
 * `stopped`: not wanted. `connecting`: a try is under way. `online`. `doubtful`: up, but a sign of life is
 * awaited. `waiting`: until the next try. `refused`: no right to a token or a topic; only `start` helps.
 */
export type LinkPhase = "stopped" | "connecting" | "online" | "doubtful" | "waiting" | "refused";

export interface LinkState {
  readonly phase: LinkPhase;
  /** Failed tries since it was last up. */
  readonly attempt: number;
  /** Why it is not up, for people; empty when it is. */
  readonly reason: string;
  readonly nextTryAt: number | null;
  /** When it was last up, `null` before the first time. */
  readonly lastUpAt: number | null;
}

export interface LinkParts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly fetchToken: FetchToken;
  readonly open: OpenConnection<Message>;
  readonly onState: (state: LinkState) => void;
  readonly onMessage: (message: Message, done: () => void) => void;
}

const INITIAL: LinkState = { phase: "stopped", attempt: 0, reason: "", nextTryAt: null, lastUpAt: null };
const REASONS: Readonly<Record<Ending, string>> = {
  refused: "The broker refused the token; asking for a new one.",
  subscription: "The broker does not allow this account to read live data.",
  lost: "The connection to the broker was lost.",
};

export class BrokerLink {
  readonly #parts: LinkParts;
  #state = INITIAL;
  #filters: readonly string[] = [];
  #token: BrokerToken | null = null;
  #current: Connection | null = null;
  #successor: Connection | null = null;
  #lastPacketAt = 0;
  #retry: number | null = null;
  #renewal: number | null = null;
  #watch: number | null = null;
  #probe: number | null = null;
  /** Counts starts and stops, so that an answer to an earlier life changes nothing. */
  #life = 0;

  constructor(parts: LinkParts) {
    this.#parts = parts;
  }

  get state(): LinkState {
    return this.#state;
  }

  /** When the last packet of any kind arrived, in ms; 0 before the first. */
  get lastPacketAt(): number {
    return this.#lastPacketAt;
  }

  /** Connects, and keeps connected until `stop`. */
  start(filters: readonly string[]): void {
    this.stop();
    this.#filters = filters;
    this.#connect();
  }

  /** Ends everything at once. */
  stop(): void {
    this.#life += 1;
    this.#token = null;
    this.#dropConnections();
    this.#cancelTimers();
    this.#set({ ...INITIAL });
  }

  /** Changes what is subscribed, at once when connected. */
  setFilters(filters: readonly string[]): void {
    const before = new Set(this.#filters);
    const after = new Set(filters);
    this.#filters = filters;
    this.#current?.subscribe(filters.filter((each) => !before.has(each)));
    this.#current?.unsubscribe([...before].filter((each) => !after.has(each)));
  }

  /** Changes what is subscribed to what the present token may not allow: a connection with a fresh one takes over. */
  renewWith(filters: readonly string[]): void {
    this.#filters = filters;
    if (this.#current === null || this.#state.phase === "connecting") {
      this.#token = null;
    } else {
      this.#cancel(this.#renewal);
      this.#renew();
    }
  }

  /** Resolves when the broker has acknowledged it. @throws Error, for people, when it has not. */
  async publish(topic: string, payload: string): Promise<void> {
    if (this.#current === null || this.#state.phase !== "online") {
      throw new Error("The browser is not connected to the broker.");
    }
    await this.#current.publish(topic, payload);
  }

  /** Asks for a sign of life; until it comes the phase is `doubtful`. For hints that the network is gone. */
  probe(): void {
    if (this.#state.phase !== "online" || this.#current === null) {
      return;
    }
    this.#set({ ...this.#state, phase: "doubtful", reason: "Checking the connection." });
    this.#current.ping();
    this.#probe = this.#parts.clock.after(PROBE_LIMIT_MS, () => this.#lose("The broker did not answer."));
  }

  /** Tries now instead of at the next planned time. */
  retryNow(): void {
    if (this.#state.phase === "waiting") {
      this.#connect();
    }
  }

  #connect(): void {
    this.#cancelTimers();
    this.#set({ ...this.#state, phase: "connecting", nextTryAt: null });
    const life = this.#life;
    this.#freshToken().then(
      (token) => life === this.#life && this.#open(token),
      (error: unknown) => life === this.#life && this.#tokenFailed(error),
    );
  }

  async #freshToken(): Promise<BrokerToken> {
    const held = this.#token;
    const token = held !== null && held.expiresAt - this.#parts.clock.now() > TOKEN_MARGIN_MS ? held : await this.#parts.fetchToken();
    this.#token = token;
    return token;
  }

  #open(token: BrokerToken): void {
    this.#probe = this.#parts.clock.after(CONNECT_LIMIT_MS, () => this.#lose("The broker did not answer."));
    this.#current = this.#parts.open(token, this.#filters, {
      onUp: () => this.#wentUp(token),
      onPacket: () => this.#signOfLife(),
      onMessage: (message, done) => this.#parts.onMessage(message, done),
      onEnd: (ending, why) => this.#ended(ending, why),
    });
  }

  #wentUp(token: BrokerToken): void {
    const now = this.#parts.clock.now();
    this.#cancelTimers();
    this.#lastPacketAt = now;
    this.#set({ phase: "online", attempt: 0, reason: "", nextTryAt: null, lastUpAt: now });
    const lifeMs = token.expiresAt - token.fetchedAt;
    const isWanted = this.#token === token;
    this.#planRenewal(isWanted ? token.fetchedAt + renewAfterMs(lifeMs, this.#parts.random()) - now : 0);
    this.#watchSilence();
  }

  #ended(ending: Ending, why: string): void {
    if (ending === "subscription") {
      this.#deny(REASONS.subscription);
      return;
    }
    if (ending === "refused") {
      this.#token = null;
    }
    this.#lose(why === "" ? REASONS[ending] : why);
  }

  #lose(reason: string): void {
    this.#dropConnections();
    this.#cancelTimers();
    const attempt = this.#state.attempt + 1;
    const waitMs = backoffMs(attempt, this.#parts.random());
    this.#set({ ...this.#state, phase: "waiting", attempt, reason, nextTryAt: this.#parts.clock.now() + waitMs });
    this.#retry = this.#parts.clock.after(waitMs, () => this.#connect());
  }

  #tokenFailed(error: unknown): void {
    if (error instanceof TokenDenied) {
      this.#deny(error.message);
    } else {
      this.#lose(error instanceof Error ? error.message : "No access token for the broker could be had.");
    }
  }

  #deny(reason: string): void {
    this.#dropConnections();
    this.#cancelTimers();
    this.#set({ ...this.#state, phase: "refused", reason, nextTryAt: null });
  }

  // Renewal: a successor takes over once it is up; whatever goes wrong leaves the current one in charge.

  #planRenewal(delayMs: number): void {
    this.#renewal = this.#parts.clock.after(Math.max(0, delayMs), () => this.#renew());
  }

  #renew(): void {
    const life = this.#life;
    this.#parts.fetchToken().then(
      (token) => life === this.#life && this.#current !== null && this.#openSuccessor(token),
      () => life === this.#life && this.#current !== null && this.#renewLater(),
    );
  }

  #openSuccessor(token: BrokerToken): void {
    this.#successor?.close();
    const filters = this.#filters;
    const successor = this.#parts.open(token, filters, {
      onUp: () => {
        successor.subscribe(this.#filters.filter((each) => !filters.includes(each)));
        this.#takeOver(successor, token);
      },
      onPacket: () => this.#signOfLife(),
      onMessage: (message, done) => this.#parts.onMessage(message, done),
      onEnd: (ending, why) => (this.#current === successor ? this.#ended(ending, why) : this.#renewLater()),
    });
    this.#successor = successor;
  }

  #takeOver(successor: Connection, token: BrokerToken): void {
    this.#current?.close();
    this.#current = successor;
    this.#successor = null;
    this.#token = token;
    this.#wentUp(token);
  }

  #renewLater(): void {
    this.#successor = null;
    const leftMs = (this.#token?.expiresAt ?? 0) - this.#parts.clock.now();
    this.#planRenewal(Math.max(1_000, Math.min(leftMs / 4, 60_000) * (0.5 + this.#parts.random() / 2)));
  }

  // Signs of life

  #signOfLife(): void {
    this.#lastPacketAt = this.#parts.clock.now();
    if (this.#state.phase === "doubtful") {
      this.#cancel(this.#probe);
      this.#set({ ...this.#state, phase: "online", reason: "" });
    }
  }

  #watchSilence(): void {
    this.#watch = this.#parts.clock.after(WATCH_EVERY_MS, () => {
      if (this.#parts.clock.now() - this.#lastPacketAt > SILENCE_LIMIT_MS) {
        this.#lose("Nothing has been heard from the broker; connecting anew.");
      } else {
        this.#watchSilence();
      }
    });
  }

  #dropConnections(): void {
    this.#current?.close();
    this.#successor?.close();
    this.#current = null;
    this.#successor = null;
  }

  #cancelTimers(): void {
    [this.#retry, this.#renewal, this.#watch, this.#probe].forEach((timer) => this.#cancel(timer));
    this.#retry = this.#renewal = this.#watch = this.#probe = null;
  }

  #cancel(timer: number | null): void {
    if (timer !== null) {
      this.#parts.clock.cancel(timer);
    }
  }

  #set(state: LinkState): void {
    this.#state = state;
    this.#parts.onState(state);
  }
}
