/** What the chart shows before anybody has chosen: a percentage that moves, else the first number; pure. */

import type { Chosen } from "@/lib/store/chart";
import type { DeviceTiles, TileStore } from "@/lib/store/tiles";
import { unitOf } from "@/lib/values/unit";

/** Returns at most two metrics, of the first device that has numbers. */
export function firstChoice(index: readonly DeviceTiles[], tiles: Pick<TileStore, "tile">): readonly Chosen[] {
  for (const { clientId, metrics } of index) {
    const numbers = metrics.filter((metric) => typeof (tiles.tile(clientId, metric)?.value ?? false) !== "boolean");
    const percentages = numbers.filter((metric) => unitOf(metric) === "%");
    const found = percentages.length > 0 ? percentages.slice(0, 2) : numbers.slice(0, 1);
    if (found.length > 0) {
      return found.map((metric) => ({ clientId, metric }));
    }
  }
  return [];
}
