/**
 * MQTT.js arrives after the first paint, while the person is still signing in: it is the largest library here.
 *
 * A failed download is a failed try like any other: the link waits and asks again.
 */

import type { BrokerToken, FetchToken } from "@/lib/api/broker-token";
import type { OpenConnection } from "@/lib/mqtt/connection";
import { createIntervalTimers } from "@/lib/time/worker-timers";

interface LazyConnections {
  readonly fetchToken: FetchToken;
  readonly open: OpenConnection;
}

/** Wraps *fetchToken* so that by the time there is a token, connections can be opened. */
export function lazyConnections(fetchToken: FetchToken): LazyConnections {
  let opener: OpenConnection | null = null;
  const load = async (): Promise<void> => {
    const { connectionOpener } = await import("@/lib/mqtt/connection");
    opener ??= connectionOpener(createIntervalTimers());
  };
  load().catch(() => undefined);
  return {
    fetchToken: async (): Promise<BrokerToken> => {
      const [token] = await Promise.all([fetchToken(), load()]);
      return token;
    },
    open: (token, filters, events) => {
      if (opener === null) {
        throw new Error("open before fetchToken");
      }
      return opener(token, filters, events);
    },
  };
}
