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
  readonly #readers = new Map<string, Set<() => void>>();
  readonly #changed = new Set<string>();
  #planned = false;

  constructor(nextFrame: NextFrame) {
    this.#nextFrame = nextFrame;
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
      }
    };
  }

  /** Notes that what *key* names has changed. */
  mark(key: string): void {
    this.#changed.add(key);
    if (!this.#planned) {
      this.#planned = true;
      this.#nextFrame(() => this.flush());
    }
  }

  /** Tells the readers of everything marked, now. */
  flush(): void {
    this.#planned = false;
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const key of changed) {
      this.#readers.get(key)?.forEach((run) => run());
    }
  }
}
