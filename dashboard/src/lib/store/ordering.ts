/**
 * Which of two samples of a device is the newer one. Pure; the whole rule is here (failure case 14).
 *
 * Within a stream the sequence number decides. Between streams: the stream that the device's own heartbeat
 * names is current, whatever the clocks say (a device whose clock was set back starts a stream that looks
 * older); else the time of measurement decides, and a replay never wins by arriving late.
 */

/** Where a sample stands in a device's life. `sequence`: `null` when its source carries none. */
export interface Position {
  readonly stream: string;
  readonly sequence: bigint | null;
  /** Time of measurement in ms. */
  readonly recordedAt: number;
}

/** Tells whether *next* may replace *shown*. *currentStream*: from the device's last heartbeat, or `null`. */
export function supersedes(next: Position, shown: Position | null, currentStream: string | null): boolean {
  if (shown === null) {
    return true;
  }
  if (next.stream === shown.stream && next.sequence !== null && shown.sequence !== null) {
    return next.sequence > shown.sequence;
  }
  if (next.stream !== shown.stream && (next.stream === currentStream || shown.stream === currentStream)) {
    return next.stream === currentStream;
  }
  return next.recordedAt > shown.recordedAt;
}
