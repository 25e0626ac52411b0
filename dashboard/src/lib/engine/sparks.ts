/**
 * Fills sparklines from the archive as their tiles come onto the screen, a few requests at a time.
 *
 * Decoration: a failed request is not tried again and nobody is told; the line then grows from live values.
 */

import { history } from "@/lib/api/endpoints";
import type { Send } from "@/lib/api/http";
import type { Chosen } from "@/lib/store/chart";
import { tileKey, SPARK_POINTS, type TileStore } from "@/lib/store/tiles";

const AT_ONCE = 2;
const MOST_WAITING = 200;
const SPAN_MS = 5 * 60_000;

export class SparkFiller {
  readonly #send: Send;
  readonly #tiles: TileStore;
  readonly #now: () => number;
  readonly #asked = new Set<string>();
  readonly #waiting: Chosen[] = [];
  #running = 0;

  constructor(send: Send, tiles: TileStore, now: () => number) {
    this.#send = send;
    this.#tiles = tiles;
    this.#now = now;
  }

  /** Asks for a tile's past, once. */
  want(chosen: Chosen): void {
    const key = tileKey(chosen.clientId, chosen.metric);
    if (!this.#asked.has(key) && this.#waiting.length < MOST_WAITING) {
      this.#asked.add(key);
      this.#waiting.push(chosen);
      this.#next();
    }
  }

  clear(): void {
    this.#asked.clear();
    this.#waiting.length = 0;
  }

  #next(): void {
    const chosen = this.#running < AT_ONCE ? this.#waiting.shift() : undefined;
    if (chosen === undefined) {
      return;
    }
    this.#running += 1;
    const to = this.#now();
    history(this.#send, chosen, { from: to - SPAN_MS, to }, SPARK_POINTS)
      .then(({ points }) => this.#tiles.fillRecent(chosen.clientId, chosen.metric, points))
      .catch(() => undefined)
      .finally(() => {
        this.#running -= 1;
        this.#next();
      });
  }
}
