/**
 * The settings that devices know: what they are called, what they may be, and what they do.
 *
 * The server has the last word on bounds; here they stand so that people see them before they send something.
 * tests/browser/test_settings_page.py compares them with the server's.
 */

export interface KnownNumber {
  readonly kind: "number";
  readonly least: number;
  readonly most: number;
  readonly unit: string;
  readonly whole: boolean;
  readonly initial: number;
}

export interface KnownChoice {
  readonly kind: "choice";
  readonly words: readonly { readonly value: string; readonly label: string }[];
  readonly initial: string;
}

export interface KnownSetting {
  readonly key: string;
  readonly label: string;
  /** What it does, in a sentence. */
  readonly about: string;
  readonly rule: KnownNumber | KnownChoice;
}

const number = (least: number, most: number, initial: number, unit: string, whole = false): KnownNumber => ({ kind: "number", least, most, unit, whole, initial });

export const KNOWN: readonly KnownSetting[] = [
  { key: "sampling_interval", label: "Sampling interval", about: "How often a device reads its sensors.", rule: number(0.05, 3_600, 1, "s") },
  { key: "heartbeat_interval", label: "Heartbeat interval", about: "How often a device says that it is there. Three missed ones and it counts as offline.", rule: number(1, 60, 5, "s") },
  { key: "buffer_limit", label: "Buffer limit", about: "How many readings a device keeps while it is away. Lowering it never deletes any.", rule: number(1_000, 100_000_000, 10_000_000, "readings", true) },
  {
    key: "buffer_full_policy",
    label: "When the buffer is full",
    about: "Which readings are given up. They are declared as lost, never dropped silently.",
    rule: {
      kind: "choice",
      initial: "refuse_new",
      words: [
        { value: "refuse_new", label: "Refuse new readings, keep the history whole" },
        { value: "drop_oldest", label: "Drop the oldest, keep the newest" },
      ],
    },
  },
  {
    key: "flush_order",
    label: "Order after an outage",
    about: "What a device sends first when it is back.",
    rule: {
      kind: "choice",
      initial: "buffer_first",
      words: [
        { value: "buffer_first", label: "What waited, then live readings" },
        { value: "live_first", label: "Live readings, what waited beside them" },
      ],
    },
  },
  { key: "flush_batch_size", label: "Batch size after an outage", about: "How many waiting readings travel in one message.", rule: number(1, 1_000, 200, "readings", true) },
  { key: "confirmed_keep_h", label: "Kept after confirmation", about: "How long a device keeps what the archive has confirmed, for its own chart and for a restored archive.", rule: number(0, 720, 24, "h") },
  { key: "offline_login_days", label: "Sign-in without network", about: "How long a person may sign in on a device that has not reached the server.", rule: number(0, 90, 7, "days", true) },
];

export function knownSetting(key: string): KnownSetting | null {
  return KNOWN.find((each) => each.key === key) ?? null;
}
