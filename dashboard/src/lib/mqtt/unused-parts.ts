/**
 * Stands in for packages that MQTT.js brings and this dashboard never calls (see next.config.ts).
 *
 * `worker-timers` would start a worker from a `blob:` address, which our policy forbids; connection.ts passes
 * timers of its own. `lru-cache` serves topic aliases, which MQTT 3.1.1 does not have. A call is a defect, so it throws.
 */

function notHere(): never {
  throw new Error("a part of MQTT.js that was left out is used after all");
}

export { notHere as clearInterval, notHere as LRUCache, notHere as setInterval };
