/**
 * What the main chart shows: chosen metrics, their samples from the archive and live, time range, pause.
 *
 * Samples live here only while their metric is chosen. The live part is bounded: when it is full, the archive
 * has those samples by then, and the history is asked for anew. Drawing is features/live/chart's affair.
 */

import type { MetricValue } from "@/contract/payloads";
import { FrameNotifier, type NextFrame } from "@/lib/store/frame";
import type { Point } from "@/lib/store/points";
import { stitch } from "@/lib/store/series";
import { tileKey } from "@/lib/store/tiles";
import { ValueStore, type ReadableStore, type Unsubscribe } from "@/lib/store/value-store";

export const MOST_CHOSEN = 6;
const MOST_LIVE_POINTS = 6_000;
const SAMPLES = "samples";

export interface Chosen {
  readonly clientId: string;
  readonly metric: string;
}

export interface Series extends Chosen {
  /** By time, each sample once. */
  readonly points: readonly Point[];
  readonly loading: boolean;
  /** What kept the history from being loaded; empty when it is there. */
  readonly trouble: string;
}

/** A stretch of time in ms. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface ChartView {
  readonly chosen: readonly Chosen[];
  readonly rangeMs: number;
  /** The stretch that is held fast while paused; `null` while it follows the time. */
  readonly paused: Span | null;
}

/** Asks the archive; ascending by time. */
export type LoadHistory = (chosen: Chosen, span: Span) => Promise<readonly Point[]>;

interface Row extends Series {
  readonly history: readonly Point[];
  readonly live: readonly Point[];
  /** Counts loads, so that an answer that was overtaken is dropped. */
  readonly asked: number;
}

function same(left: Chosen, right: Chosen): boolean {
  return left.clientId === right.clientId && left.metric === right.metric;
}

/** The usual case is a later sample of the same stream, which needs no joining. */
function withNewest(points: readonly Point[], point: Point): readonly Point[] {
  const last = points.at(-1);
  const later = last === undefined || (point.at > last.at && (point.stream !== last.stream || (point.sequence ?? 0n) > (last.sequence ?? 0n)));
  return later ? [...points, point] : stitch(points, [point]);
}

export class ChartStore {
  readonly #load: LoadHistory;
  readonly #now: () => number;
  readonly #frames: FrameNotifier;
  readonly #rows = new Map<string, Row>();
  readonly #view: ValueStore<ChartView>;
  #series: readonly Series[] = [];
  #stale = false;

  constructor(load: LoadHistory, now: () => number, nextFrame: NextFrame, rangeMs: number) {
    this.#load = load;
    this.#now = now;
    this.#frames = new FrameNotifier(nextFrame);
    this.#view = new ValueStore<ChartView>({ chosen: [], rangeMs, paused: null });
  }

  get view(): ReadableStore<ChartView> {
    return this.#view;
  }

  readonly series = (): readonly Series[] => {
    if (this.#stale) {
      this.#stale = false;
      this.#series = this.#view.get().chosen.flatMap((each) => this.#rows.get(tileKey(each.clientId, each.metric)) ?? []);
    }
    return this.#series;
  };

  readonly subscribeSeries = (run: () => void): Unsubscribe => this.#frames.subscribe(SAMPLES, run);

  /** Adds a metric (the oldest choice goes when there are too many), or takes it away. *recent*: its newest live samples. */
  toggle(chosen: Chosen, recent: readonly Point[]): void {
    const view = this.#view.get();
    const others = view.chosen.filter((each) => !same(each, chosen));
    if (others.length < view.chosen.length) {
      this.#choose(others);
      return;
    }
    const row: Row = { ...chosen, points: recent, history: [], live: recent, loading: false, trouble: "", asked: 0 };
    this.#rows.set(tileKey(chosen.clientId, chosen.metric), row);
    this.#choose([...others, chosen].slice(-MOST_CHOSEN));
    void this.#reload(row);
  }

  setRange(rangeMs: number): void {
    this.#view.set({ ...this.#view.get(), rangeMs, paused: null });
    this.reload();
  }

  /** Holds the chart fast at *span*, or lets it follow the time again. */
  pause(span: Span | null): void {
    this.#view.set({ ...this.#view.get(), paused: span });
    this.reload();
  }

  /** Takes live samples of chosen metrics. */
  offer(clientId: string, metrics: ReadonlyMap<string, MetricValue>, at: number, stream: string, sequence: bigint): void {
    for (const chosen of this.#view.get().chosen) {
      const value = chosen.clientId === clientId ? metrics.get(chosen.metric) : undefined;
      const row = this.#rows.get(tileKey(chosen.clientId, chosen.metric));
      if (value !== undefined && row !== undefined) {
        this.#append(row, { at, value, stream, sequence });
      }
    }
  }

  /** Asks the archive anew for every chosen metric, or for those of one device. */
  reload(clientId?: string): void {
    [...this.#rows.values()]
      .filter((row) => clientId === undefined || row.clientId === clientId)
      .forEach((row) => void this.#reload(row));
  }

  clear(): void {
    this.#choose([]);
  }

  #choose(chosen: readonly Chosen[]): void {
    this.#view.set({ ...this.#view.get(), chosen });
    const kept = new Set(chosen.map((each) => tileKey(each.clientId, each.metric)));
    [...this.#rows.keys()].filter((key) => !kept.has(key)).forEach((key) => this.#rows.delete(key));
    this.#touch();
  }

  #append(row: Row, point: Point): void {
    const full = row.live.length >= MOST_LIVE_POINTS;
    const live = [...(full ? row.live.slice(MOST_LIVE_POINTS / 2) : row.live), point];
    this.#put(full ? { ...row, live } : { ...row, live, points: withNewest(row.points, point) });
    if (full) {
      void this.#reload(row);
    }
  }

  async #reload(row: Row): Promise<void> {
    const key = tileKey(row.clientId, row.metric);
    const asked = (this.#rows.get(key)?.asked ?? 0) + 1;
    this.#patch(key, { asked, loading: true });
    try {
      const history = await this.#load(row, this.#span());
      this.#settle(key, asked, { history, trouble: "" });
    } catch (error) {
      this.#settle(key, asked, { trouble: error instanceof Error ? error.message : "The history could not be loaded." });
    }
  }

  #settle(key: string, asked: number, change: Partial<Row>): void {
    const row = this.#rows.get(key);
    if (row?.asked === asked) {
      const next = { ...row, ...change, loading: false };
      this.#put({ ...next, points: stitch(next.history, next.live) });
    }
  }

  #span(): Span {
    const { paused, rangeMs } = this.#view.get();
    const now = this.#now();
    return paused ?? { from: now - rangeMs, to: now };
  }

  #patch(key: string, change: Partial<Row>): void {
    const row = this.#rows.get(key);
    if (row !== undefined) {
      this.#put({ ...row, ...change });
    }
  }

  #put(row: Row): void {
    this.#rows.set(tileKey(row.clientId, row.metric), row);
    this.#touch();
  }

  #touch(): void {
    this.#stale = true;
    this.#frames.mark(SAMPLES);
  }
}
