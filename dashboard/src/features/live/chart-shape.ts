/** What the plot of the main chart is configured by, made from its series: kinds, sizes, bases, bands. */

import type { PlotSeries } from "@/features/live/chart-scales";
import type { Series } from "@/lib/store/chart";
import { baseFor, positionOf } from "@/lib/store/drawing";
import { tileKey } from "@/lib/store/tiles";

type Line = Omit<PlotSeries, "colour">;

function plotSeries(each: Series, base: bigint): Line {
  const largest = each.points.reduce((most, point) => Math.max(most, Math.abs(positionOf(point.value, base))), 0);
  return {
    clientId: each.clientId,
    metric: each.metric,
    isBoolean: typeof each.points.at(-1)?.value === "boolean",
    banded: each.details.some((detail) => detail.bucketMs > 0),
    base,
    magnitude: largest === 0 ? 0 : Math.round(2 * Math.log10(largest)) / 2,
  };
}

/** What the plot is configured by: a new one is made only when this is another text. */
export class Shape {
  #bases = new Map<string, bigint>();
  #series: readonly Series[] | null = null;
  #lines: readonly Line[] = [];
  #text = "";

  of(series: readonly Series[]): string {
    if (this.#series !== series) {
      this.#series = series;
      this.#bases = new Map(series.map((each) => [tileKey(each.clientId, each.metric), baseFor(each.points, this.base(each))]));
      this.#lines = series.map((each) => plotSeries(each, this.base(each)));
      this.#text = this.#lines.map((each) => Object.values(each).map(String).join("\n")).join("\n\n");
    }
    return this.#text;
  }

  get lines(): readonly Line[] {
    return this.#lines;
  }

  base(series: Series): bigint {
    return this.#bases.get(tileKey(series.clientId, series.metric)) ?? 0n;
  }
}
