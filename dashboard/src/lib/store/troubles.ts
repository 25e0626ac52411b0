/** What is wrong at present, for the banner: each trouble stands until its cause is gone. */

import { ValueStore, type ReadableStore } from "@/lib/store/value-store";

export interface Trouble {
  /** Which cause; the same cause never stands twice. */
  readonly id: string;
  readonly severity: "warning" | "error";
  /** What is the matter. */
  readonly title: string;
  /** What it means and what to do. */
  readonly text: string;
}

export class TroubleStore {
  readonly #store = new ValueStore<readonly Trouble[]>([]);

  get all(): ReadableStore<readonly Trouble[]> {
    return this.#store;
  }

  raise(trouble: Trouble): void {
    const others = this.#store.get().filter((each) => each.id !== trouble.id);
    this.#store.set([...others, trouble]);
  }

  clear(id: string): void {
    const others = this.#store.get().filter((each) => each.id !== id);
    if (others.length < this.#store.get().length) {
      this.#store.set(others);
    }
  }

  clearAll(): void {
    this.#store.set([]);
  }
}
