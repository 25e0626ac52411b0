/**
 * Brings the screen up to date from the API: at load, after every reconnect, and when a hidden tab comes back.
 *
 * Until it is done the state is amber and nothing counts as current (failure cases 35, 36). When the API cannot
 * be reached, a banner stands, live values go on, and it is tried again until it works.
 */

import { latestValues, listDevices } from "@/lib/api/endpoints";
import type { ObservedApi } from "@/lib/api/observed";
import { ApiProblem, sentenceFor } from "@/lib/api/problem";
import { backoffMs } from "@/lib/mqtt/backoff";
import type { BrokerLink } from "@/lib/mqtt/link";
import { currentStreamOf } from "@/lib/store/devices";
import type { FeedStores } from "@/lib/engine/feed";
import type { TroubleStore } from "@/lib/store/troubles";
import { ValueStore, type ReadableStore } from "@/lib/store/value-store";
import type { Clock } from "@/lib/time/clock";

/** A tab hidden for longer than this is brought up to date before it counts as current. */
export const HIDDEN_LIMIT_MS = 10_000;
const API_RETRY = { firstMs: 1_000, ceilingMs: 10_000 };
const TROUBLE = "api";

interface RefetchParts extends FeedStores {
  readonly api: ObservedApi;
  readonly link: BrokerLink;
  readonly troubles: TroubleStore;
}

export class Refetcher {
  readonly #parts: RefetchParts;
  readonly #clock: Clock;
  readonly #busy = new ValueStore(false);
  readonly #loaded = new ValueStore(false);
  #hiddenSince: number | null = null;
  #retry: number | null = null;
  #failures = 0;
  #life = 0;

  constructor(parts: RefetchParts, clock: Clock) {
    this.#parts = parts;
    this.#clock = clock;
  }

  /** Whether the screen is being brought up to date. */
  get busy(): ReadableStore<boolean> {
    return this.#busy;
  }

  /** Whether the lists have been fetched at least once for this person. */
  get loaded(): ReadableStore<boolean> {
    return this.#loaded;
  }

  refetch(): void {
    this.#cancel();
    this.#life += 1;
    this.#busy.set(true);
    this.#parts.chart.reload();
    void this.#run(this.#life);
  }

  /** Forgets everything, for another person or nobody. */
  stop(): void {
    this.#cancel();
    this.#life += 1;
    this.#failures = 0;
    this.#busy.set(false);
    this.#loaded.set(false);
  }

  visibilityChanged(hidden: boolean): void {
    const since = this.#hiddenSince;
    this.#hiddenSince = hidden ? this.#clock.now() : null;
    if (!hidden && since !== null && this.#clock.now() - since > HIDDEN_LIMIT_MS) {
      this.#parts.link.probe();
      this.#parts.link.retryNow();
      if (this.#parts.link.state.phase !== "stopped" && this.#parts.link.state.phase !== "refused") {
        this.refetch();
      }
    }
  }

  /** The API did not answer somebody's call: a banner stands, and it is asked until it does. */
  apiLost(): void {
    if (this.#retry === null && !this.#busy.get()) {
      this.#failed(new ApiProblem(0, "", sentenceFor(0, "", "")));
    }
  }

  async #run(life: number): Promise<void> {
    try {
      const { api, devices, tiles } = this.#parts;
      const [listed, latest] = await Promise.all([listDevices(api.send, api.toLocal), latestValues(api.send, api.toLocal)]);
      if (life === this.#life) {
        devices.list(listed);
        latest.forEach((sample) => tiles.offer(sample, currentStreamOf(devices.one(sample.clientId))));
        this.#succeeded();
      }
    } catch (error) {
      if (life === this.#life) {
        this.#failed(error);
      }
    }
  }

  #succeeded(): void {
    const wasFailing = this.#failures > 0;
    this.#failures = 0;
    this.#busy.set(false);
    this.#loaded.set(true);
    this.#parts.troubles.clear(TROUBLE);
    if (wasFailing) {
      this.#parts.chart.reload();
    }
  }

  #failed(error: unknown): void {
    this.#busy.set(false);
    const text = error instanceof Error ? error.message : "The list of devices could not be loaded.";
    this.#parts.troubles.raise({
      id: TROUBLE,
      severity: "error",
      title: "History and device list are not available",
      text: `${text} Live values go on as long as the broker is connected.`,
    });
    if (!(error instanceof ApiProblem) || error.status !== 401) {
      this.#failures += 1;
      this.#retry = this.#clock.after(backoffMs(this.#failures, 1, API_RETRY), () => {
        this.#retry = null;
        void this.#run(this.#life);
      });
    }
  }

  #cancel(): void {
    if (this.#retry !== null) {
      this.#clock.cancel(this.#retry);
      this.#retry = null;
    }
  }
}
