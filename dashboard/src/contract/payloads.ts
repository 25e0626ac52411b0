// Generated from acl/ by `python -m pulse_acl.generate`; do not edit.
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

export const MAX_PAYLOAD_BYTES = 262144;
export const MAX_BATCH_READINGS = 1000;
export const MAX_METRICS = 256;

const readClientId = text(/^[A-Za-z0-9._-]{1,64}$/u, Infinity);
const readUuid = text(/^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/u, Infinity);
const readTimestamp = text(/^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})$/u, 35);
const readSequenceNo = exactInteger(1n, 9223372036854775806n);
const readLastSequenceNo = exactInteger(0n, 9223372036854775806n);
const readCount = safeInteger(0n, 9223372036854775807n);
const readMetricKey = text(/^[A-Za-z0-9._/-]{1,100}$/u, Infinity);
const readNotNegative = double(0);

/** One sample of a device's sources, as sent on `/live`. */
export interface Reading {
  readonly client_id: string;
  readonly stream: string;
  readonly sequence_no: bigint;
  readonly timestamp: string;
  readonly metrics: ReadonlyMap<string, MetricValue>;
  readonly source: string;
  readonly clock_offset_ms: number | null;
}

const readReading: Read<Reading> = struct<Reading>({
  client_id: required(readClientId),
  stream: required(readUuid),
  sequence_no: required(readSequenceNo),
  timestamp: required(readTimestamp),
  metrics: required(table(readMetricKey, readMetricValue, 1, 256)),
  source: optional<string>(text(null, 100), () => "desktop"),
  clock_offset_ms: optional<number | null>(safeInteger(-9223372036854775808n, 9223372036854775807n), () => null),
});

/** One sample inside a batch; client id and stream are the batch's. */
export interface BatchReading {
  readonly sequence_no: bigint;
  readonly timestamp: string;
  readonly metrics: ReadonlyMap<string, MetricValue>;
  readonly clock_offset_ms: number | null;
}

const readBatchReading: Read<BatchReading> = struct<BatchReading>({
  sequence_no: required(readSequenceNo),
  timestamp: required(readTimestamp),
  metrics: required(table(readMetricKey, readMetricValue, 1, 256)),
  clock_offset_ms: optional<number | null>(safeInteger(-9223372036854775808n, 9223372036854775807n), () => null),
});

/** 0 to 1,000 samples of one stream in ascending order, and at most 1,000 declared ranges of lost ones. */
export interface ReadingBatch {
  readonly client_id: string;
  readonly stream: string;
  readonly readings: readonly BatchReading[];
  readonly lost: readonly Range[];
  readonly source: string;
}

const readReadingBatch: Read<ReadingBatch> = struct<ReadingBatch>({
  client_id: required(readClientId),
  stream: required(readUuid),
  readings: required(list(readBatchReading, 1000)),
  lost: optional<readonly Range[]>(list(range(readSequenceNo), 1000), () => []),
  source: optional<string>(text(null, 100), () => "desktop"),
});

/** A number that the archive will not take, and why. */
export interface RejectedNumber {
  readonly sequence_no: bigint;
  readonly reason: string;
}

const readRejectedNumber: Read<RejectedNumber> = struct<RejectedNumber>({
  sequence_no: required(readSequenceNo),
  reason: required(text(null, Infinity)),
});

/** What became of every number in the messages it answers; published after COMMIT only. */
export interface Receipt {
  readonly client_id: string;
  readonly stream: string | null;
  readonly archived: readonly Range[];
  readonly rejected: readonly RejectedNumber[];
  readonly lost: readonly Range[];
  readonly wanted_since: string | null;
  readonly at: string;
}

const readReceipt: Read<Receipt> = struct<Receipt>({
  client_id: required(readClientId),
  stream: required(nullable(readUuid)),
  archived: optional<readonly Range[]>(list(range(readSequenceNo), Infinity), () => []),
  rejected: optional<readonly RejectedNumber[]>(list(readRejectedNumber, Infinity), () => []),
  lost: optional<readonly Range[]>(list(range(readSequenceNo), Infinity), () => []),
  wanted_since: optional<string | null>(nullable(readTimestamp), () => null),
  at: required(readTimestamp),
});

/** Rows of one stream on the device that have no fate yet. */
export interface HeldStream {
  readonly stream: string;
  readonly first: bigint;
  readonly last: bigint;
  readonly count: number;
}

const readHeldStream: Read<HeldStream> = inOrder(struct<HeldStream>({
  stream: required(readUuid),
  first: required(readSequenceNo),
  last: required(readSequenceNo),
  count: required(readCount),
}));

/** Summary of the held streams beyond the newest 20; *newest* is the newest of those streams. */
export interface HeldOlder {
  readonly newest: string;
  readonly streams: number;
  readonly count: number;
}

const readHeldOlder: Read<HeldOlder> = struct<HeldOlder>({
  newest: required(readUuid),
  streams: required(readCount),
  count: required(readCount),
});

/** A waiting row, for people to look at. */
export interface PendingSample {
  readonly sequence_no: bigint;
  readonly metrics: ReadonlyMap<string, MetricValue>;
}

const readPendingSample: Read<PendingSample> = struct<PendingSample>({
  sequence_no: required(readSequenceNo),
  metrics: required(table(readMetricKey, readMetricValue, 0, Infinity)),
});

/** A device's sign of life. The will carries `client_id` and `status` only, so all else is optional. */
export interface Heartbeat {
  readonly client_id: string;
  readonly status: "OFFLINE" | "ONLINE" | "SYNCING";
  readonly timestamp: string | null;
  readonly stream: string | null;
  readonly last_sequence_no: bigint | null;
  readonly held: readonly HeldStream[] | null;
  readonly held_older: HeldOlder | null;
  readonly kept_since: string | null;
  readonly resent_since: string | null;
  readonly pending: number | null;
  readonly unarchived: number | null;
  readonly quarantined: number | null;
  readonly pending_sample: readonly PendingSample[] | null;
  readonly last_sync_at: string | null;
  readonly oldest_pending_at: string | null;
  readonly buffer_used_pct: number | null;
  readonly sampling_interval_s: number | null;
  readonly heartbeat_interval_s: number | null;
  readonly history: string | null;
  readonly config_version: number | null;
  readonly identity_version: number | null;
  readonly ingest_seen: string | null;
  readonly app_version: string | null;
  readonly latest: ReadonlyMap<string, MetricValue> | null;
}

const readHeartbeat: Read<Heartbeat> = struct<Heartbeat>({
  client_id: required(readClientId),
  status: required(oneOf("OFFLINE", "ONLINE", "SYNCING")),
  timestamp: optional<string | null>(nullable(readTimestamp), () => null),
  stream: optional<string | null>(nullable(readUuid), () => null),
  last_sequence_no: optional<bigint | null>(nullable(readLastSequenceNo), () => null),
  held: optional<readonly HeldStream[] | null>(nullable(list(readHeldStream, 20)), () => null),
  held_older: optional<HeldOlder | null>(nullable(readHeldOlder), () => null),
  kept_since: optional<string | null>(nullable(readTimestamp), () => null),
  resent_since: optional<string | null>(nullable(readTimestamp), () => null),
  pending: optional<number | null>(nullable(readCount), () => null),
  unarchived: optional<number | null>(nullable(readCount), () => null),
  quarantined: optional<number | null>(nullable(readCount), () => null),
  pending_sample: optional<readonly PendingSample[] | null>(nullable(list(readPendingSample, 20)), () => null),
  last_sync_at: optional<string | null>(nullable(readTimestamp), () => null),
  oldest_pending_at: optional<string | null>(nullable(readTimestamp), () => null),
  buffer_used_pct: optional<number | null>(nullable(readNotNegative), () => null),
  sampling_interval_s: optional<number | null>(nullable(readNotNegative), () => null),
  heartbeat_interval_s: optional<number | null>(nullable(readNotNegative), () => null),
  history: optional<string | null>(nullable(readUuid), () => null),
  config_version: optional<number | null>(nullable(readCount), () => null),
  identity_version: optional<number | null>(nullable(readCount), () => null),
  ingest_seen: optional<string | null>(nullable(readTimestamp), () => null),
  app_version: optional<string | null>(nullable(text(null, Infinity)), () => null),
  latest: optional<ReadonlyMap<string, MetricValue> | null>(nullable(table(readMetricKey, readMetricValue, 0, Infinity)), () => null),
});

/** An order to a device; the topic decides which one, and it is void after `expires_at`. */
export interface Command {
  readonly command_id: string;
  readonly command: "FORCE_SYNC" | "RELOAD" | "UPDATE_CONFIG";
  readonly args: ReadonlyMap<string, unknown>;
  readonly issued_by: string;
  readonly issued_at: string;
  readonly expires_at: string;
}

const readCommand: Read<Command> = struct<Command>({
  command_id: required(readUuid),
  command: required(oneOf("FORCE_SYNC", "RELOAD", "UPDATE_CONFIG")),
  args: optional<ReadonlyMap<string, unknown>>(table(text(null, Infinity), readAnything, 0, Infinity), () => new Map()),
  issued_by: optional<string>(text(null, Infinity), () => ""),
  issued_at: required(readTimestamp),
  expires_at: required(readTimestamp),
});

/** What became of a command. */
export interface CommandResult {
  readonly command_id: string;
  readonly command: string;
  readonly status: "DONE" | "EXPIRED" | "FAILED" | "REJECTED";
  readonly message: string;
  readonly at: string;
}

const readCommandResult: Read<CommandResult> = struct<CommandResult>({
  command_id: required(readUuid),
  command: required(text(null, Infinity)),
  status: required(oneOf("DONE", "EXPIRED", "FAILED", "REJECTED")),
  message: optional<string>(text(null, Infinity), () => ""),
  at: required(readTimestamp),
});

/** Who published which command, as attested by the broker. */
export interface AuditRecord {
  readonly username: string;
  readonly client_id: string;
  readonly topic: string;
  readonly payload: string;
  readonly at: string;
}

const readAuditRecord: Read<AuditRecord> = struct<AuditRecord>({
  username: required(text(null, Infinity)),
  client_id: required(text(null, Infinity)),
  topic: required(text(null, Infinity)),
  payload: required(text(null, Infinity)),
  at: required(readTimestamp),
});

/** An encrypted message of the identity and settings sync; devices send `jwe` alone. */
export interface SyncEnvelope {
  readonly jwe: string;
  readonly history: string | null;
  readonly version: number | null;
  readonly previous: number | null;
}

const readSyncEnvelope: Read<SyncEnvelope> = struct<SyncEnvelope>({
  jwe: required(text(null, Infinity)),
  history: optional<string | null>(nullable(readUuid), () => null),
  version: optional<number | null>(nullable(readCount), () => null),
  previous: optional<number | null>(nullable(readCount), () => null),
});

/** A device asks for what it has missed. */
export interface SyncRequest {
  readonly client_id: string;
  readonly history: string | null;
  readonly from_version: number;
  readonly digest: string | null;
  readonly nonce: string;
}

const readSyncRequest: Read<SyncRequest> = struct<SyncRequest>({
  client_id: required(readClientId),
  history: required(nullable(readUuid)),
  from_version: required(readCount),
  digest: required(nullable(text(null, Infinity))),
  nonce: required(text(null, Infinity)),
});

/** A service's sign of life; the will carries `service`, `instance` and `status` only. */
export interface ServiceStatus {
  readonly service: string;
  readonly instance: string;
  readonly status: "DEGRADED" | "OFFLINE" | "ONLINE";
  readonly checks: ReadonlyMap<string, string>;
  readonly history: string | null;
  readonly version: string | null;
  readonly started_at: string | null;
  readonly at: string | null;
}

const readServiceStatus: Read<ServiceStatus> = struct<ServiceStatus>({
  service: required(readClientId),
  instance: required(readClientId),
  status: required(oneOf("DEGRADED", "OFFLINE", "ONLINE")),
  checks: optional<ReadonlyMap<string, string>>(table(text(null, Infinity), text(null, Infinity), 0, Infinity), () => new Map()),
  history: optional<string | null>(nullable(readUuid), () => null),
  version: optional<string | null>(nullable(text(null, Infinity)), () => null),
  started_at: optional<string | null>(nullable(readTimestamp), () => null),
  at: optional<string | null>(nullable(readTimestamp), () => null),
});

export function parseReading(value: unknown): Result<Reading> {
  return guard(readReading, value);
}

export function parseReadingBatch(value: unknown): Result<ReadingBatch> {
  return guard(readReadingBatch, value);
}

export function parseReceipt(value: unknown): Result<Receipt> {
  return guard(readReceipt, value);
}

export function parseHeartbeat(value: unknown): Result<Heartbeat> {
  return guard(readHeartbeat, value);
}

export function parseCommand(value: unknown): Result<Command> {
  return guard(readCommand, value);
}

export function parseCommandResult(value: unknown): Result<CommandResult> {
  return guard(readCommandResult, value);
}

export function parseAuditRecord(value: unknown): Result<AuditRecord> {
  return guard(readAuditRecord, value);
}

export function parseSyncEnvelope(value: unknown): Result<SyncEnvelope> {
  return guard(readSyncEnvelope, value);
}

export function parseSyncRequest(value: unknown): Result<SyncRequest> {
  return guard(readSyncRequest, value);
}

export function parseServiceStatus(value: unknown): Result<ServiceStatus> {
  return guard(readServiceStatus, value);
}

export interface PayloadTypes {
  Reading: Reading;
  ReadingBatch: ReadingBatch;
  Receipt: Receipt;
  Heartbeat: Heartbeat;
  Command: Command;
  CommandResult: CommandResult;
  AuditRecord: AuditRecord;
  SyncEnvelope: SyncEnvelope;
  SyncRequest: SyncRequest;
  ServiceStatus: ServiceStatus;
}

export type PayloadName = keyof PayloadTypes;

/** The validator of each payload by its name, as topics.ts names it. */
export const PAYLOAD_PARSERS: {
  readonly [Name in PayloadName]: (value: unknown) => Result<PayloadTypes[Name]>;
} = {
  Reading: parseReading,
  ReadingBatch: parseReadingBatch,
  Receipt: parseReceipt,
  Heartbeat: parseHeartbeat,
  Command: parseCommand,
  CommandResult: parseCommandResult,
  AuditRecord: parseAuditRecord,
  SyncEnvelope: parseSyncEnvelope,
  SyncRequest: parseSyncRequest,
  ServiceStatus: parseServiceStatus,
};

/** Writes a command as JSON; the values in `args` must be what `JSON.stringify` takes. */
export function encodeCommand(command: Command): string {
  return JSON.stringify({ ...command, args: Object.fromEntries(command.args) });
}
