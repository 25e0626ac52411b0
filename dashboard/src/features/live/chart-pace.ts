/** Draws the chart no more often than it is worth: a sample at a time is a pixel at most, and redrawing costs. */

const LEAST_PAUSE_MS = 100;

export class DrawPace {
  readonly #draw: () => void;
  #lastAt = -Infinity;
  #waiting: ReturnType<typeof setTimeout> | null = null;
  #moving: ReturnType<typeof setInterval> | null = null;

  constructor(draw: () => void) {
    this.#draw = draw;
  }

  /** Something has changed: draws now, or after a short pause. */
  readonly changed = (): void => {
    const pause = this.#lastAt + LEAST_PAUSE_MS - performance.now();
    if (pause <= 0) {
      this.#now();
    } else {
      this.#waiting ??= setTimeout(() => this.#now(), pause);
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

  #now(): void {
    if (this.#waiting !== null) {
      clearTimeout(this.#waiting);
      this.#waiting = null;
    }
    this.#lastAt = performance.now();
    this.#draw();
  }
}
