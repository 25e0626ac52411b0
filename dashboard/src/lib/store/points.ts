/** Samples of one metric in time, and a bounded ring of them: the newest *capacity*, oldest first when read. */

import type { MetricValue } from "@/contract/payloads";

export interface Point {
  /** Time of measurement in ms. */
  readonly at: number;
  readonly value: MetricValue;
  readonly stream: string;
  /** `null`: its source carries none, so it cannot be told apart from others exactly. */
  readonly sequence: bigint | null;
  /** It came late, from a device that catches up with its backlog. */
  readonly replayed?: true;
}

/** Which sample this is, whatever way it came. */
export function identityOf(point: Point): string {
  return point.sequence === null ? `${point.stream}@${point.at}` : `${point.stream}#${String(point.sequence)}`;
}

export class PointRing {
  readonly #capacity: number;
  readonly #points: Point[] = [];
  #next = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#points.length;
  }

  push(point: Point): void {
    this.#points[this.#next] = point;
    this.#next = (this.#next + 1) % this.#capacity;
  }

  /** All points, oldest first. */
  toArray(): readonly Point[] {
    return [...this.#points.slice(this.#next), ...this.#points.slice(0, this.#next)];
  }

  /** Replaces everything by the newest of *points*, which are oldest first. */
  fill(points: readonly Point[]): void {
    this.#points.length = 0;
    this.#next = 0;
    points.slice(-this.#capacity).forEach((point) => this.push(point));
  }
}
