/**
 * What the main chart shows: chosen metrics, their samples from the archive and live, time range, pause, zoom.
 *
 * Samples live here only while their metric is chosen, and are bounded (samples.ts). What is zoomed into is asked
 * for anew, closer; the way back is at once, since the overview stays. Drawing is features/live/chart's affair.
 */

import type { MetricValue } from "@/contract/payloads";
import { FrameNotifier, type NextFrame } from "@/lib/store/frame";
import type { Point } from "@/lib/store/points";
import { Samples } from "@/lib/store/samples";
import type { Detail, History, Span } from "@/lib/store/series";
import { tileKey } from "@/lib/store/tiles";
import { ValueStore, type ReadableStore, type Unsubscribe } from "@/lib/store/value-store";

export type { Span } from "@/lib/store/series";

export const MOST_CHOSEN = 6;
/** A closer look than this shows nothing. */
export const LEAST_SPAN_MS = 200;
/** By then the archive has what was on its way while the history was read. */
const SEAM_CHECK_MS = 3_000;
const SAMPLES = "samples";

export interface Chosen {
  readonly clientId: string;
  readonly metric: string;
}

export interface Series extends Chosen {
  /** By time, each sample once. */
  readonly points: readonly Point[];
  /** How finely the archive has answered, by stretch. */
  readonly details: readonly Detail[];
  readonly loading: boolean;
  /** What kept the history from being loaded; empty when it is there. */
  readonly trouble: string;
}

export interface ChartView {
  readonly chosen: readonly Chosen[];
  readonly rangeMs: number;
  /** The stretch that is held fast while paused or zoomed; `null` while it follows the time. */
  readonly paused: Span | null;
  /** The views behind the present zoom, the nearest last; empty when it is not zoomed. */
  readonly behind: readonly (Span | null)[];
}

/** Asks the archive. */
export type LoadHistory = (chosen: Chosen, span: Span) => Promise<History>;

interface Row extends Chosen {
  readonly samples: Samples;
  readonly loading: boolean;
  readonly trouble: string;
  /** Counts loads of the overview and of the closer look, so that an answer that was overtaken is dropped. */
  readonly asked: number;
  readonly askedCloser: number;
  /** When to look whether history and live part have met; `null` when they have. */
  readonly checkSeamAt: number | null;
}

function same(left: Chosen, right: Chosen): boolean {
  return left.clientId === right.clientId && left.metric === right.metric;
}

function keyOf({ clientId, metric }: Chosen): string {
  return tileKey(clientId, metric);
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
    this.#view = new ValueStore<ChartView>({ chosen: [], rangeMs, paused: null, behind: [] });
  }

  get view(): ReadableStore<ChartView> {
    return this.#view;
  }

  readonly series = (): readonly Series[] => {
    if (this.#stale) {
      this.#stale = false;
      this.#series = this.#view.get().chosen.flatMap((each) => {
        const row = this.#rows.get(keyOf(each));
        return row === undefined ? [] : [{ ...each, points: row.samples.points(), details: row.samples.details(), loading: row.loading, trouble: row.trouble }];
      });
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
    const row: Row = { clientId: chosen.clientId, metric: chosen.metric, samples: new Samples(recent), loading: false, trouble: "", asked: 0, askedCloser: 0, checkSeamAt: null };
    this.#rows.set(keyOf(chosen), row);
    this.#choose([...others, { clientId: chosen.clientId, metric: chosen.metric }].slice(-MOST_CHOSEN));
    this.#reloadRow(row, false);
  }

  setRange(rangeMs: number): void {
    this.#look({ rangeMs, paused: null, behind: [] });
    this.reload();
  }

  /** Holds the chart fast at *span*, or lets it follow the time again, also out of a zoom. */
  pause(span: Span | null): void {
    this.#look({ paused: span, behind: [] });
    if (span === null) {
      this.reload();
    }
  }

  /** Looks closer at *span*; `zoomOut` goes back. */
  zoom(span: Span): void {
    if (span.to - span.from >= LEAST_SPAN_MS) {
      const { paused, behind } = this.#view.get();
      this.#look({ paused: span, behind: [...behind, paused] });
    }
  }

  /** One step back out of a zoom, at last to following the time. */
  zoomOut(): void {
    const { behind } = this.#view.get();
    if (behind.length > 0) {
      this.#look({ paused: behind.at(-1) ?? null, behind: behind.slice(0, -1) });
    }
  }

  /** Takes samples of chosen metrics. *replayed*: from a backlog, so late. */
  offer(clientId: string, metrics: ReadonlyMap<string, MetricValue>, at: number, stream: string, sequence: bigint, replayed = false): void {
    for (const chosen of this.#view.get().chosen) {
      const value = chosen.clientId === clientId ? metrics.get(chosen.metric) : undefined;
      const row = this.#rows.get(keyOf(chosen));
      if (value !== undefined && row !== undefined) {
        this.#append(row, { at, value, stream, sequence, ...(replayed ? { replayed } : {}) });
      }
    }
  }

  /**
   * Asks the archive anew for every chosen metric, or for those of one device. *settled*: that device has
   * flushed its backlog, so the archive has everything that was replayed.
   */
  reload(clientId?: string, settled = false): void {
    [...this.#rows.values()].filter((row) => clientId === undefined || row.clientId === clientId).forEach((row) => this.#reloadRow(row, settled));
  }

  clear(): void {
    this.#look({ paused: null, behind: [] });
    this.#choose([]);
  }

  #look(change: Partial<ChartView>): void {
    this.#view.set({ ...this.#view.get(), ...change });
    [...this.#rows.values()].forEach((row) => void this.#loadCloser(row));
  }

  #choose(chosen: readonly Chosen[]): void {
    this.#view.set({ ...this.#view.get(), chosen });
    const kept = new Set(chosen.map(keyOf));
    [...this.#rows.keys()].filter((key) => !kept.has(key)).forEach((key) => this.#rows.delete(key));
    this.#touch();
  }

  #append(row: Row, point: Point): void {
    const full = row.samples.offer(point);
    this.#touch();
    if (full) {
      void this.#loadOverview(row, false);
    } else if (row.checkSeamAt !== null && this.#now() >= row.checkSeamAt) {
      this.#patch(row, { checkSeamAt: null });
      if (row.samples.hasSeam()) {
        void this.#loadOverview(row, false);
      }
    }
  }

  #reloadRow(row: Row, settled: boolean): void {
    void this.#loadOverview(row, settled);
    void this.#loadCloser(row);
  }

  async #loadOverview(row: Row, settled: boolean): Promise<void> {
    const asked = (this.#rows.get(keyOf(row))?.asked ?? 0) + 1;
    const now = this.#now();
    this.#patch(row, { asked, loading: true });
    try {
      const history = await this.#load(row, { from: now - this.#view.get().rangeMs, to: now });
      if (this.#rows.get(keyOf(row))?.asked === asked) {
        row.samples.setOverview(history, settled);
        this.#patch(row, { loading: false, trouble: "", checkSeamAt: this.#now() + SEAM_CHECK_MS });
      }
    } catch (error) {
      if (this.#rows.get(keyOf(row))?.asked === asked) {
        this.#patch(row, { loading: false, trouble: error instanceof Error ? error.message : "The history could not be loaded." });
      }
    }
  }

  /** The stretch that is zoomed into, in as many points as the whole has; on failure the overview stands. */
  async #loadCloser(row: Row): Promise<void> {
    const { paused, behind } = this.#view.get();
    const askedCloser = (this.#rows.get(keyOf(row))?.askedCloser ?? 0) + 1;
    this.#patch(row, { askedCloser });
    if (paused === null || behind.length === 0) {
      row.samples.setCloser(null);
      return;
    }
    const history = await this.#load(row, paused).catch(() => null);
    if (history !== null && this.#rows.get(keyOf(row))?.askedCloser === askedCloser) {
      row.samples.setCloser(history);
      this.#touch();
    }
  }

  #patch(row: Row, change: Partial<Row>): void {
    const key = keyOf(row);
    const present = this.#rows.get(key);
    if (present?.samples === row.samples) {
      this.#rows.set(key, { ...present, ...change });
      this.#touch();
    }
  }

  #touch(): void {
    this.#stale = true;
    this.#frames.mark(SAMPLES);
  }
}
