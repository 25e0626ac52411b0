/** Statuses of the services on the web side, from their retained messages; three missed (15 s) are OFFLINE. */

import type { ServiceStatus } from "@/contract/payloads";
import { ValueStore, type ReadableStore } from "@/lib/store/value-store";

export const SERVICE_SILENCE_MS = 15_000;
const MOST_INSTANCES = 64;

export interface Service {
  readonly service: string;
  readonly instance: string;
  readonly status: ServiceStatus["status"];
  readonly checks: ReadonlyMap<string, string>;
  readonly version: string | null;
  /** When it was last heard, on this browser's clock. */
  readonly heardAt: number;
}

/** The status to show at *now*. */
export function serviceStatus(service: Service, now: number): ServiceStatus["status"] {
  return now - service.heardAt > SERVICE_SILENCE_MS ? "OFFLINE" : service.status;
}

/** The best status among a service's instances; `null` when none has ever been heard. */
export function serviceState(services: readonly Service[], name: string, now: number): ServiceStatus["status"] | null {
  const found = services.filter((each) => each.service === name).map((each) => serviceStatus(each, now));
  return (["ONLINE", "DEGRADED", "OFFLINE"] as const).find((each) => found.includes(each)) ?? null;
}

export class ServiceStore {
  readonly #store = new ValueStore<readonly Service[]>([]);

  get all(): ReadableStore<readonly Service[]> {
    return this.#store;
  }

  /** Takes a status. A retained one counts as heard now: a living service speaks again within 5 s, a dead one times out. */
  hear(status: ServiceStatus, now: number): void {
    const others = this.#store.get().filter((each) => each.service !== status.service || each.instance !== status.instance);
    const known = this.#store.get().find((each) => !others.includes(each));
    const next: Service = {
      service: status.service,
      instance: status.instance,
      status: status.status,
      checks: status.checks,
      version: status.version ?? known?.version ?? null,
      heardAt: now,
    };
    if (known !== undefined || others.length < MOST_INSTANCES) {
      this.#store.set([...others, next].sort((left, right) => left.service.localeCompare(right.service)));
    }
  }

  clear(): void {
    this.#store.set([]);
  }
}
