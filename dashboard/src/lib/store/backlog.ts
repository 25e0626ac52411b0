/**
 * How far each device is with flushing its backlog: what it began with, how fast it goes, how long it will take.
 *
 * Fed with heartbeats, which come every half second while a device is SYNCING. Pure state; times are passed in.
 */

import type { Heartbeat } from "@/contract/payloads";

/** The rate is that of the last so many heartbeats: about ten seconds. */
const RATE_BEATS = 20;
const LEAST_SPAN_MS = 900;

interface Mark {
  readonly at: number;
  readonly pending: number;
}

interface Start {
  readonly pending: number;
  readonly stream: string | null;
  readonly lastSequence: bigint | null;
}

interface Episode {
  readonly start: Start;
  /** The most that was waiting at once. */
  readonly most: number;
  readonly marks: readonly Mark[];
}

export interface Progress {
  /** 0 to 1. */
  readonly done: number;
  /** Readings a second by which the backlog shrinks; 0 when it does not. */
  readonly perSecond: number;
  /** Estimated; `null` when it does not shrink, or not for long enough to tell. */
  readonly leftMs: number | null;
}

export class BacklogStore {
  readonly #episodes = new Map<string, Episode>();

  /**
   * Takes a heartbeat that is not retained.
   *
   * @returns How many readings the device has flushed since it began, when this heartbeat ends that; else `null`.
   */
  hear(beat: Heartbeat, now: number): number | null {
    const known = this.#episodes.get(beat.client_id);
    if (beat.status === "SYNCING" && beat.pending !== null) {
      this.#episodes.set(beat.client_id, goOn(known ?? begin(beat, beat.pending), { at: now, pending: beat.pending }));
      return null;
    }
    if (beat.status === "SYNCING") {
      return null;
    }
    this.#episodes.delete(beat.client_id);
    return known === undefined || beat.status === "OFFLINE" ? null : flushed(known.start, beat);
  }

  /** `null` when the device is not flushing. */
  progress(clientId: string): Progress | null {
    const episode = this.#episodes.get(clientId);
    const first = episode?.marks[0];
    const last = episode?.marks.at(-1);
    if (episode === undefined || first === undefined || last === undefined) {
      return null;
    }
    const spanMs = last.at - first.at;
    const perSecond = spanMs < LEAST_SPAN_MS ? 0 : Math.max(0, ((first.pending - last.pending) / spanMs) * 1_000);
    return {
      done: episode.most === 0 ? 1 : 1 - last.pending / episode.most,
      perSecond,
      leftMs: perSecond === 0 ? null : (last.pending / perSecond) * 1_000,
    };
  }

  clear(): void {
    this.#episodes.clear();
  }
}

function begin(beat: Heartbeat, pending: number): Episode {
  return { start: { pending, stream: beat.stream, lastSequence: beat.last_sequence_no }, most: pending, marks: [] };
}

function goOn(episode: Episode, mark: Mark): Episode {
  return { ...episode, most: Math.max(episode.most, mark.pending), marks: [...episode.marks, mark].slice(-RATE_BEATS) };
}

/** What waited at the start and what was measured since, less what is still waiting. */
function flushed(start: Start, end: Heartbeat): number {
  const { stream, lastSequence } = start;
  const sameStream = stream === end.stream && lastSequence !== null && end.last_sequence_no !== null;
  const measured = sameStream ? Number(end.last_sequence_no - lastSequence) : 0;
  return Math.max(0, start.pending + measured - (end.pending ?? 0));
}
