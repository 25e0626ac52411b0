/** The API calls of the live pages, each with its answer read into the dashboard's own types. */

import { parseHeartbeat, type Heartbeat } from "@/contract/payloads";
import type { Send } from "@/lib/api/http";
import { everyItem } from "@/lib/api/pages";
import { fields, flag, list, metricValue, optionalText, optionalTime, text, time, wholeNumber, type Fields } from "@/lib/api/reading";
import type { Chosen } from "@/lib/store/chart";
import type { ListedDevice, Presence } from "@/lib/store/devices";
import type { History, Span } from "@/lib/store/series";
import type { Sample } from "@/lib/store/tiles";

export const MAX_POINTS = 2_000;

function figuresOf(item: Fields): Heartbeat | null {
  const found = parseHeartbeat(item.heartbeat);
  return found.ok && found.value.timestamp !== null ? found.value : null;
}

function presence(item: Fields): Presence {
  const status = optionalText(item, "status");
  return status === "ONLINE" || status === "SYNCING" ? status : "OFFLINE";
}

/** Reads one device. *toLocal*: turns the server's time into this browser's. */
export function listedDevice(item: Fields, toLocal: (at: number) => number): ListedDevice {
  const heardAt = optionalTime(item, "last_heartbeat_at");
  return {
    clientId: text(item, "client_id"),
    said: presence(item),
    heardAt: heardAt === null ? null : toLocal(heardAt),
    figures: figuresOf(item),
    enrolledAt: optionalTime(item, "enrolled_at"),
    revokedAt: optionalTime(item, "revoked_at"),
  };
}

/** All enrolled devices. *toLocal*: turns the server's time into this browser's. */
export async function listDevices(send: Send, toLocal: (at: number) => number): Promise<readonly ListedDevice[]> {
  return (await everyItem(send, "/devices")).map((item) => listedDevice(item, toLocal));
}

/** The newest archived value of every metric. */
export async function latestValues(send: Send, toLocal: (at: number) => number): Promise<readonly Sample[]> {
  return (await everyItem(send, "/telemetry/latest")).map((item) => ({
    clientId: text(item, "client_id"),
    metrics: new Map([[text(item, "metric"), metricValue(item, "value")]]),
    position: { stream: text(item, "stream"), sequence: wholeNumber(item, "sequence_no"), recordedAt: time(item, "recorded_at") },
    origin: "known",
    receivedAt: toLocal(time(item, "received_at")),
  }));
}

function pathOf(metric: string): string {
  return metric.split("/").map(encodeURIComponent).join("/");
}

/** A metric's history, ascending by time, thinned by the server to at most *maxPoints*. */
export async function history(send: Send, chosen: Chosen, span: Span, maxPoints: number = MAX_POINTS): Promise<History> {
  const query = new URLSearchParams({
    from: new Date(span.from).toISOString(),
    to: new Date(span.to).toISOString(),
    max_points: String(maxPoints),
  });
  const path = `/telemetry/${encodeURIComponent(chosen.clientId)}/${pathOf(chosen.metric)}?${query.toString()}`;
  const body = fields((await send({ method: "GET", path })).body, "history");
  const points = list(body.points, "points").map((each) => {
    const point = fields(each, "points");
    return { at: time(point, "at"), value: metricValue(point, "value"), stream: text(point, "stream"), sequence: wholeNumber(point, "sequence_no") };
  });
  // Thinned, each of half as many buckets keeps its least and its greatest.
  const from = points[0]?.at ?? span.from;
  const bucketMs = flag(body, "thinned") ? ((points.at(-1)?.at ?? from) - from) / (maxPoints / 2) : 0;
  return { from: bucketMs > 0 ? from : span.from, to: span.to, points, bucketMs };
}
