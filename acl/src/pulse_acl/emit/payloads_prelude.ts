// The payloads of PrecisionPulse's topics: types and runtime validators.
//
// Input is `unknown`, as a JSON parser made it. The parser must yield a `bigint` for a number of digits only
// and a `number` for one with `.` or `e`, so that 72.0 stays a double and 2^63-1 stays exact. Unknown fields
// are ignored. Only own properties are read, and free keys go into a Map, so that `__proto__` is a key
// like any other. Read next: topics.ts (which topic carries what).

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: string };

/** A metric: `bigint` is a 64-bit integer, `number` a finite double. */
export type MetricValue = bigint | number | boolean;

/** First and last number, both included. */
export type Range = readonly [bigint, bigint];

type Read<T> = (value: unknown, at: string) => T;
type Fields = Readonly<Record<string, unknown>>;

class Broken extends Error {}

function broken(at: string, expected: string): never {
  throw new Broken(`${at}: expected ${expected}`);
}

function guard<T>(read: Read<T>, value: unknown): Result<T> {
  try {
    return { ok: true, value: read(value, "$") };
  } catch (error) {
    if (error instanceof Broken) {
      return { ok: false, error: error.message };
    }
    throw error;
  }
}

function object(value: unknown, at: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return broken(at, "an object");
  }
  return value as Fields;
}

interface Field<T> {
  readonly read: Read<T>;
  /** What stands for an absent field; `null`: it must be there. */
  readonly absent: (() => T) | null;
}

function required<T>(read: Read<T>): Field<T> {
  return { read, absent: null };
}

function optional<T>(read: Read<T>, absent: () => T): Field<T> {
  return { read, absent };
}

function readField<T>(field: Field<T>, from: Fields, name: string, at: string): T {
  if (Object.hasOwn(from, name)) {
    return field.read(from[name], `${at}.${name}`);
  }
  return field.absent === null ? broken(`${at}.${name}`, "a value, found none") : field.absent();
}

function struct<T extends object>(fields: { readonly [K in keyof T]-?: Field<T[K]> }): Read<T> {
  const names = Object.keys(fields) as (keyof T & string)[];
  return (value, at) => {
    const from = object(value, at);
    const found: Partial<T> = {};
    for (const name of names) {
      found[name] = readField(fields[name], from, name, at);
    }
    return found as T;
  };
}

function nullable<T>(read: Read<T>): Read<T | null> {
  return (value, at) => (value === null ? null : read(value, at));
}

function text(pattern: RegExp | null, maxLength: number): Read<string> {
  return (value, at) => {
    if (typeof value !== "string") {
      return broken(at, "a text");
    }
    // Counted in code points, as in the other languages; the cheap test comes first.
    if (value.length > maxLength && Array.from(value).length > maxLength) {
      return broken(at, `a text of at most ${String(maxLength)} characters`);
    }
    return pattern === null || pattern.test(value) ? value : broken(at, `a text like ${pattern.source}`);
  };
}

function oneOf<T extends string>(...allowed: readonly T[]): Read<T> {
  return (value, at) => allowed.find((each) => each === value) ?? broken(at, `one of ${allowed.join(", ")}`);
}

function exactInteger(least: bigint, most: bigint): Read<bigint> {
  return (value, at) =>
    typeof value === "bigint" && value >= least && value <= most
      ? value
      : broken(at, `a whole number from ${String(least)} to ${String(most)}`);
}

function safeInteger(least: bigint, most: bigint): Read<number> {
  const exact = exactInteger(least, most);
  return (value, at) => {
    const found = Number(exact(value, at));
    return Number.isSafeInteger(found) ? found : broken(at, "a whole number below 2^53");
  };
}

function double(least: number): Read<number> {
  return (value, at) => {
    const found = typeof value === "bigint" ? Number(value) : value;
    return typeof found === "number" && Number.isFinite(found) && found >= least
      ? found
      : broken(at, "a finite number within its bounds");
  };
}

function list<T>(read: Read<T>, maxLength: number): Read<readonly T[]> {
  return (value, at) => {
    if (!Array.isArray(value)) {
      return broken(at, "a list");
    }
    if (value.length > maxLength) {
      return broken(at, `a list of at most ${String(maxLength)}`);
    }
    return value.map((each: unknown, index) => read(each, `${at}[${String(index)}]`));
  };
}

function table<T>(
  key: Read<string>,
  read: Read<T>,
  minLength: number,
  maxLength: number,
): Read<ReadonlyMap<string, T>> {
  return (value, at) => {
    const entries = Object.entries(object(value, at));
    if (entries.length < minLength || entries.length > maxLength) {
      return broken(at, `an object of ${String(minLength)} to ${String(maxLength)} entries`);
    }
    return new Map(entries.map(([name, each]) => [key(name, `${at} (a key)`), read(each, `${at}.${name}`)]));
  };
}

function range(number: Read<bigint>): Read<Range> {
  return (value, at) => {
    if (!Array.isArray(value) || value.length !== 2) {
      return broken(at, "a pair of numbers");
    }
    const first = number(value[0], `${at}[0]`);
    const last = number(value[1], `${at}[1]`);
    ordered(first, last, at);
    return [first, last];
  };
}

function ordered(first: bigint, last: bigint, at: string): void {
  if (first > last) {
    broken(at, "a first number that is not above the last");
  }
}

/** For structs that hold a first and a last number beside other things. */
function inOrder<T extends { readonly first: bigint; readonly last: bigint }>(read: Read<T>): Read<T> {
  return (value, at) => {
    const found = read(value, at);
    ordered(found.first, found.last, at);
    return found;
  };
}

const INT64_LEAST = -(2n ** 63n);
const INT64_MOST = 2n ** 63n - 1n;

const readMetricValue: Read<MetricValue> = (value, at) => {
  if (typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))) {
    return value;
  }
  return typeof value === "bigint" && value >= INT64_LEAST && value <= INT64_MOST
    ? value
    : broken(at, "a boolean, a 64-bit integer or a finite double");
};

const readAnything: Read<unknown> = (value) => value;
