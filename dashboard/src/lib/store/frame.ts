/**
 * Gathers changes and tells the readers once a frame: a fast publisher costs at most one rendering a frame.
 *
 * In a hidden tab no frame comes, and nothing is drawn; the stores stay current and bounded.
 */

import type { Unsubscribe } from "@/lib/store/value-store";

/** Runs something before the next frame is drawn; `requestAnimationFrame` in the browser. */
export type NextFrame = (run: () => void) => void;

export class FrameNotifier {
  readonly #nextFrame: NextFrame;
  readonly #pauseMs: number;
  readonly #toldAt = new Map<string, number>();
  readonly #readers = new Map<string, Set<() => void>>();
  readonly #changed = new Set<string>();
  #planned = false;

  /** Readers of one key are told again *pauseMs* later at the earliest: digits that change faster nobody reads. */
  constructor(nextFrame: NextFrame, pauseMs = 0) {
    this.#nextFrame = nextFrame;
    this.#pauseMs = pauseMs;
  }

  /** Calls *run* in each frame in which *key* was marked. */
  subscribe(key: string, run: () => void): Unsubscribe {
    const readers = this.#readers.get(key) ?? new Set();
    readers.add(run);
    this.#readers.set(key, readers);
    return () => {
      readers.delete(run);
      if (readers.size === 0 && this.#readers.get(key) === readers) {
        this.#readers.delete(key);
        this.#toldAt.delete(key);
      }
    };
  }

  /** Notes that what *key* names has changed. */
  mark(key: string): void {
    this.#changed.add(key);
    this.#plan();
  }

  /** Tells the readers of everything marked, now; who was told a moment ago waits for a later frame. */
  flush(): void {
    this.#planned = false;
    const now = performance.now();
    for (const key of [...this.#changed]) {
      if (this.#isTime(key, now)) {
        this.#changed.delete(key);
        this.#readers.get(key)?.forEach((run) => run());
      }
    }
    if (this.#changed.size > 0) {
      this.#plan();
    }
  }

  #isTime(key: string, now: number): boolean {
    if (this.#pauseMs > 0 && this.#readers.has(key)) {
      if (now - (this.#toldAt.get(key) ?? -Infinity) < this.#pauseMs) {
        return false;
      }
      this.#toldAt.set(key, now);
    }
    return true;
  }

  #plan(): void {
    if (!this.#planned) {
      this.#planned = true;
      this.#nextFrame(() => this.flush());
    }
  }
}
