/** Which tiles stand where: pinned ones first, the others by device, all of them through the filter; pure. */

import type { Pin } from "@/features/live/pins";
import { tileKey, type DeviceTiles } from "@/lib/store/tiles";

export interface TileGroups {
  readonly pinned: readonly Pin[];
  readonly groups: readonly DeviceTiles[];
  /** Of all shown. */
  readonly count: number;
}

/** Every word of *filter* must occur in the device's or the metric's name. A pin of what does not exist (yet) shows nothing. */
export function arrange(index: readonly DeviceTiles[], pins: readonly Pin[], filter: string): TileGroups {
  const words = filter.toLowerCase().split(/\s+/u).filter((word) => word !== "");
  const fits = (clientId: string, metric: string): boolean => words.every((word) => `${clientId} ${metric}`.toLowerCase().includes(word));
  const known = new Map(index.map(({ clientId, metrics }) => [clientId, new Set(metrics)]));
  const pinned = pins.filter(({ clientId, metric }) => known.get(clientId)?.has(metric) === true && fits(clientId, metric));
  const first = new Set(pinned.map((each) => tileKey(each.clientId, each.metric)));
  const groups = index
    .map(({ clientId, metrics }) => ({ clientId, metrics: metrics.filter((metric) => !first.has(tileKey(clientId, metric)) && fits(clientId, metric)) }))
    .filter(({ metrics }) => metrics.length > 0);
  return { pinned, groups, count: pinned.length + groups.reduce((sum, each) => sum + each.metrics.length, 0) };
}
