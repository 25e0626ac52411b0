/** The smallest external store: one immutable value, its readers and `set`. React reads it with `useValue`. */

export type Unsubscribe = () => void;

export interface ReadableStore<T> {
  readonly get: () => T;
  readonly subscribe: (run: () => void) => Unsubscribe;
}

export class ValueStore<T> implements ReadableStore<T> {
  #value: T;
  readonly #readers = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  // Arrow functions, since React keeps and calls them bare.
  readonly get = (): T => this.#value;

  readonly subscribe = (run: () => void): Unsubscribe => {
    this.#readers.add(run);
    return () => this.#readers.delete(run);
  };

  /** Replaces the value and tells the readers, unless it is the same one. */
  set(value: T): void {
    if (!Object.is(value, this.#value)) {
      this.#value = value;
      [...this.#readers].forEach((run) => run());
    }
  }
}
