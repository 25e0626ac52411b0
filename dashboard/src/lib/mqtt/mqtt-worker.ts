/** The worker's beginning: connections for the page that started it. Read next: worker-host.ts. */

import { openConnection } from "@/lib/mqtt/connection";
import { connectionHost } from "@/lib/mqtt/worker-host";
import type { Order, Report } from "@/lib/mqtt/worker-protocol";

const carryOut = connectionHost(openConnection, (report: Report) => self.postMessage(report));

self.onmessage = (event: MessageEvent<Order>): void => carryOut(event.data);
