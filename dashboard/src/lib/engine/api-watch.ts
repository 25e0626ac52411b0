/**
 * Asks the API until it answers again, for people without live data; for the others lib/engine/refetch.ts does so by
 * fetching what they see. A banner stands meanwhile.
 */

import type { ObservedApi } from "@/lib/api/observed";
import { ApiProblem } from "@/lib/api/problem";
import { backoffMs } from "@/lib/mqtt/backoff";
import type { TroubleStore } from "@/lib/store/troubles";
import type { Clock } from "@/lib/time/clock";

const RETRY = { firstMs: 1_000, ceilingMs: 10_000 };
const TROUBLE = "api";

interface WatchParts {
  readonly api: ObservedApi;
  readonly troubles: TroubleStore;
}

export class ApiWatch {
  readonly #parts: WatchParts;
  readonly #clock: Clock;
  #retry: number | null = null;
  #failures = 0;

  constructor(parts: WatchParts, clock: Clock) {
    this.#parts = parts;
    this.#clock = clock;
  }

  /** Somebody's call was not answered. */
  lost(): void {
    if (this.#retry === null) {
      const title = "The server cannot be reached";
      const text = "Lists may be old, and changes are not taken. It is tried again by itself.";
      this.#parts.troubles.raise({ id: TROUBLE, severity: "error", title, text });
      this.#askLater();
    }
  }

  stop(): void {
    if (this.#retry !== null) {
      this.#clock.cancel(this.#retry);
      this.#retry = null;
    }
    this.#failures = 0;
  }

  #askLater(): void {
    this.#failures += 1;
    this.#retry = this.#clock.after(backoffMs(this.#failures, 1, RETRY), () => void this.#ask());
  }

  async #ask(): Promise<void> {
    const asked = this.#retry;
    try {
      await this.#parts.api.send({ method: "GET", path: "/auth/me" });
    } catch (error) {
      if (asked === this.#retry && error instanceof ApiProblem && error.isOutage) {
        this.#askLater();
        return;
      }
    }
    if (asked === this.#retry) {
      this.stop();
      this.#parts.troubles.clear(TROUBLE);
    }
  }
}
