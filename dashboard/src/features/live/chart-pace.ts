/** Draws the chart no more often than it is worth: a sample at a time is a pixel at most, and redrawing costs. */

const LEAST_PAUSE_MS = 200;
/** A chart that takes long to draw leaves the page at least so many times as long for everything else. */
const SHARE_OF_OTHERS = 9;

export class DrawPace {
  readonly #draw: () => void;
  readonly #now: () => number;
  /** Before when there is no next drawing, in ms of the page's clock. */
  #pauseUntil = -Infinity;
  #waiting: ReturnType<typeof setTimeout> | null = null;
  #moving: ReturnType<typeof setInterval> | null = null;

  /** *now* is the page's clock, in ms. */
  constructor(draw: () => void, now: () => number = () => performance.now()) {
    this.#draw = draw;
    this.#now = now;
  }

  /** Something has changed: draws now, or after a short pause. */
  readonly changed = (): void => {
    const pause = this.#pauseUntil - this.#now();
    if (pause <= 0) {
      this.#drawNow();
    } else {
      this.#waiting ??= setTimeout(() => this.#drawNow(), pause);
    }
  };

  /** Draws every so often besides, since time goes on; 0: no more. */
  moveEvery(everyMs: number): void {
    if (this.#moving !== null) {
      clearInterval(this.#moving);
    }
    this.#moving = everyMs > 0 ? setInterval(this.changed, everyMs) : null;
  }

  end(): void {
    this.moveEvery(0);
    if (this.#waiting !== null) {
      clearTimeout(this.#waiting);
    }
  }

  #drawNow(): void {
    if (this.#waiting !== null) {
      clearTimeout(this.#waiting);
      this.#waiting = null;
    }
    const startedAt = this.#now();
    this.#draw();
    const endedAt = this.#now();
    this.#pauseUntil = Math.max(startedAt + LEAST_PAUSE_MS, endedAt + SHARE_OF_OTHERS * (endedAt - startedAt));
  }
}
