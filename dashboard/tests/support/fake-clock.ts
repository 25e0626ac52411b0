import type { Clock } from "@/lib/time/clock";

interface Timer {
  readonly id: number;
  readonly at: number;
  readonly run: () => void;
}

/** A clock that moves only when told to; timers run in order of their time. */
export class FakeClock implements Clock {
  #now: number;
  #lastId = 0;
  #timers: Timer[] = [];

  constructor(now = 1_700_000_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): number {
    this.#lastId += 1;
    this.#timers.push({ id: this.#lastId, at: this.#now + delayMs, run });
    return this.#lastId;
  }

  cancel(timer: number): void {
    this.#timers = this.#timers.filter((each) => each.id !== timer);
  }

  get waiting(): number {
    return this.#timers.length;
  }

  /** Moves on by *ms*, running what is due and letting promises settle after each. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let due = this.#next(end); due !== undefined; due = this.#next(end)) {
      this.cancel(due.id);
      this.#now = Math.max(this.#now, due.at);
      due.run();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  #next(end: number): Timer | undefined {
    return this.#timers.filter((each) => each.at <= end).sort((left, right) => left.at - right.at)[0];
  }
}

/** Lets everything that is only waiting for promises go on. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) {
    await Promise.resolve();
  }
}
