/**
 * The samples of one charted metric: an overview from the archive, a closer look at a stretch, and what came live.
 *
 * Each sample counts once. The live part is bounded; who fills it is told when it is full, since the archive has
 * those samples by then. Mutable inside, snapshots outside: a burst costs one copy for each look, not one a sample.
 */

import { identityOf, type Point } from "@/lib/store/points";
import { countUntil, stitch, type Detail, type History } from "@/lib/store/series";

export const MOST_LIVE_POINTS = 6_000;
/** Samples around the end of a history may have been on their way into the archive when it was read. */
const SEAM_MS = 10_000;

export class Samples {
  #overview: History | null = null;
  #closer: History | null = null;
  /** In the order of arrival. */
  #live: Point[] = [];
  #joined: Point[] = [];
  #known = new Set<string>();
  #snapshot: readonly Point[] | null = null;

  constructor(recent: readonly Point[]) {
    this.#live = [...recent];
    this.#join();
  }

  /** Takes a sample unless it is known; returns whether the live part was full and has dropped its older half. */
  offer(point: Point): boolean {
    const id = identityOf(point);
    if (this.#known.has(id)) {
      return false;
    }
    this.#live.push(point);
    if (this.#live.length > MOST_LIVE_POINTS) {
      this.#live = this.#live.slice(-MOST_LIVE_POINTS / 2);
      this.#join();
      return true;
    }
    this.#known.add(id);
    this.#insert(point);
    return false;
  }

  /** Takes the archive's word for the whole range. *settled*: it has all that was replayed, so that is marked no longer. */
  setOverview(history: History, settled: boolean): void {
    this.#overview = history;
    if (settled) {
      this.#live = this.#live.filter((point) => point.replayed !== true);
    }
    this.#join();
  }

  /** Takes the archive's word for a stretch that is looked at closely; `null` when it is no more. */
  setCloser(history: History | null): void {
    if (history !== null || this.#closer !== null) {
      this.#closer = history;
      this.#join();
    }
  }

  /** By time, each sample once; the same array until something changes. */
  points(): readonly Point[] {
    this.#snapshot ??= [...this.#joined];
    return this.#snapshot;
  }

  details(): readonly Detail[] {
    return [this.#overview, this.#closer].flatMap((each) => (each === null ? [] : [{ from: each.from, to: each.to, bucketMs: each.bucketMs }]));
  }

  /** Whether a number is missing where the history ends and the live part begins. */
  hasSeam(): boolean {
    const end = this.#overview;
    if (end === null || end.bucketMs > 0) {
      return false;
    }
    const first = Math.max(1, countUntil(this.#joined, end.to - SEAM_MS));
    const last = countUntil(this.#joined, end.to + SEAM_MS);
    return this.#joined.slice(first, last).some((point, index) => {
      const before = this.#joined[first + index - 1];
      return before?.stream === point.stream && (point.sequence ?? 0n) - (before.sequence ?? 0n) > 1n;
    });
  }

  #insert(point: Point): void {
    const last = this.#joined.at(-1);
    if (last === undefined || point.at >= last.at) {
      this.#joined.push(point);
    } else {
      this.#joined.splice(countUntil(this.#joined, point.at), 0, point);
    }
    this.#snapshot = null;
  }

  #join(): void {
    const archived = stitch(this.#overview?.points ?? [], this.#closer?.points ?? []);
    this.#joined = [...stitch(archived, this.#live)];
    this.#known = new Set(this.#joined.map(identityOf));
    this.#live = this.#withoutArchived(archived);
    this.#snapshot = null;
  }

  /** What the archive has returned need not be kept twice; a closer look goes again, so it does not count. */
  #withoutArchived(archived: readonly Point[]): Point[] {
    if (this.#overview === null || archived.length === 0) {
      return this.#live;
    }
    const there = new Set(this.#overview.points.map(identityOf));
    return this.#live.filter((point) => !there.has(identityOf(point)));
  }
}
