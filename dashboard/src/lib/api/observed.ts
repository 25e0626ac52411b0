/**
 * The API as the rest of the dashboard sees it: the session's `send`, watched.
 *
 * Notes whether the server can be reached, and how far its clock is from this browser's (to a second, which is
 * enough for ages and ranges). It never retries by itself.
 */

import type { Send } from "@/lib/api/http";
import { ApiProblem } from "@/lib/api/problem";
import type { ApiState } from "@/lib/store/status";
import { ValueStore } from "@/lib/store/value-store";
import type { Clock } from "@/lib/time/clock";

/** The `Date` header is cut to the second, so a smaller difference says nothing. */
const LEAST_OFFSET_MS = 2_000;

export class ObservedApi {
  readonly state = new ValueStore<ApiState>("unknown");
  /** How far the server's clock is ahead of this browser's, in ms; 0 when the difference says nothing. */
  readonly clockOffset = new ValueStore(0);
  readonly #inner: Send;
  readonly #clock: Clock;

  constructor(inner: Send, clock: Clock) {
    this.#inner = inner;
    this.#clock = clock;
  }

  readonly send: Send = async (call) => {
    try {
      const answer = await this.#inner(call);
      this.state.set("ok");
      this.#compareClocks(answer.serverTime);
      return answer;
    } catch (error) {
      this.state.set(error instanceof ApiProblem && error.isOutage ? "unreachable" : "ok");
      throw error;
    }
  };

  /** The server's time now, in ms. */
  serverNow(): number {
    return this.#clock.now() + this.clockOffset.get();
  }

  /** A time of the server on this browser's clock. */
  readonly toLocal = (serverAt: number): number => serverAt - this.clockOffset.get();

  #compareClocks(serverTime: number | null): void {
    if (serverTime !== null) {
      const offsetMs = serverTime + 500 - this.#clock.now();
      this.clockOffset.set(Math.abs(offsetMs) < LEAST_OFFSET_MS ? 0 : offsetMs);
    }
  }
}
