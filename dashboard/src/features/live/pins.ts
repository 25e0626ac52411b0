/**
 * Which tiles a person has pinned, remembered in this browser by person. A preference, never a secret.
 *
 * What lies in the storage may be anybody's: it is read as a list of pairs of texts and bounded, else ignored.
 */

import { ValueStore, type ReadableStore } from "@/lib/store/value-store";
import { tileKey } from "@/lib/store/tiles";

export const MOST_PINS = 48;
const KEY = "pulse-pins";

export interface Pin {
  readonly clientId: string;
  readonly metric: string;
}

export type PinStorage = Pick<Storage, "getItem" | "setItem">;

export class PinStore {
  readonly #pins: ValueStore<readonly Pin[]>;
  readonly #storage: PinStorage | null;
  readonly #key: string;

  constructor(personId: string, storage: PinStorage | null) {
    this.#key = `${KEY}:${personId}`;
    this.#storage = storage;
    this.#pins = new ValueStore(read(storage, this.#key));
  }

  /** In the order in which they were pinned. */
  get all(): ReadableStore<readonly Pin[]> {
    return this.#pins;
  }

  /** Pins it, or takes the pin off. */
  readonly toggle = ({ clientId, metric }: Pin): void => {
    const others = this.#pins.get().filter((each) => tileKey(each.clientId, each.metric) !== tileKey(clientId, metric));
    const isNew = others.length === this.#pins.get().length;
    this.#pins.set(isNew ? [...others, { clientId, metric }].slice(-MOST_PINS) : others);
    this.#write();
  };

  #write(): void {
    try {
      this.#storage?.setItem(this.#key, JSON.stringify(this.#pins.get().map(({ clientId, metric }) => [clientId, metric])));
    } catch {
      // A browser that stores nothing forgets the pins at the next load; nothing else is lost.
    }
  }
}

function read(storage: PinStorage | null, key: string): readonly Pin[] {
  try {
    const found: unknown = JSON.parse(storage?.getItem(key) ?? "[]");
    return Array.isArray(found) ? found.slice(-MOST_PINS).flatMap(pinOf) : [];
  } catch {
    return [];
  }
}

function pinOf(entry: unknown): readonly Pin[] {
  if (!Array.isArray(entry)) {
    return [];
  }
  const [clientId, metric] = entry as readonly unknown[];
  return typeof clientId === "string" && typeof metric === "string" ? [{ clientId, metric }] : [];
}

/** The browser's own storage, where there is one and it may be used. */
export function browserStorage(): PinStorage | null {
  try {
    // eslint-disable-next-line no-restricted-globals -- a preference, not a secret
    return localStorage;
  } catch {
    return null;
  }
}
