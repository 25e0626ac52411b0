/**
 * What page and worker say to each other about connections; each has a number that the page gave it.
 *
 * Messages cross by structured clone: `bigint`, `Map` and plain objects do, so what was read exactly stays exact.
 */

import type { BrokerToken } from "@/lib/api/broker-token";
import type { Ending } from "@/lib/mqtt/connection";
import type { Message } from "@/lib/mqtt/read-message";

/** From the page. `handled`: so many messages of the connection are done with. `publish` is answered by its `call`. */
export type Order =
  | { readonly order: "open"; readonly id: number; readonly token: BrokerToken; readonly filters: readonly string[] }
  | { readonly order: "subscribe" | "unsubscribe"; readonly id: number; readonly filters: readonly string[] }
  | { readonly order: "publish"; readonly id: number; readonly call: number; readonly topic: string; readonly payload: string }
  | { readonly order: "handled"; readonly id: number; readonly count: number }
  | { readonly order: "ping" | "close"; readonly id: number };

/** From the worker. `heard`: packets have come in since; *messages* are those that are the page's. */
export type Report =
  | { readonly report: "up"; readonly id: number }
  | { readonly report: "heard"; readonly id: number; readonly messages: readonly Message[] }
  | { readonly report: "published"; readonly id: number; readonly call: number; readonly error: string }
  | { readonly report: "end"; readonly id: number; readonly ending: Ending; readonly why: string };
