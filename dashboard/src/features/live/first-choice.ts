/** What the chart shows before anybody has chosen: a percentage that moves, else the first number; pure. */

import type { Chosen } from "@/lib/store/chart";
import type { DeviceTiles, TileStore } from "@/lib/store/tiles";
import { unitOf } from "@/lib/values/unit";

function groupOf(metric: string): string {
  return metric.split(/[./_-]/u)[0] ?? "";
}

/** One of each group (cpu, memory, …), the plainest name first. */
function oneOfEach(metrics: readonly string[]): readonly string[] {
  const plainest = new Map<string, string>();
  for (const metric of metrics) {
    const known = plainest.get(groupOf(metric));
    if (known === undefined || metric.length < known.length) {
      plainest.set(groupOf(metric), metric);
    }
  }
  return [...plainest.values()];
}

function rank(metric: string): number {
  return ["cpu", "memory"].includes(groupOf(metric)) ? 0 : 1;
}

/** Returns at most two metrics, of the first device that has numbers. */
export function firstChoice(index: readonly DeviceTiles[], tiles: Pick<TileStore, "tile">): readonly Chosen[] {
  for (const { clientId, metrics } of index) {
    const numbers = metrics.filter((metric) => typeof (tiles.tile(clientId, metric)?.value ?? false) !== "boolean");
    const percentages = oneOfEach(numbers.filter((metric) => unitOf(metric) === "%")).toSorted((left, right) => rank(left) - rank(right));
    const found = percentages.length > 0 ? percentages.slice(0, 2) : numbers.slice(0, 1);
    if (found.length > 0) {
      return found.map((metric) => ({ clientId, metric }));
    }
  }
  return [];
}
