/**
 * Interval timers that go on in a hidden tab: they run in a worker of our own origin (public/timer-worker.js).
 *
 * MQTT.js would start its worker from a `blob:` address, which the Content-Security-Policy forbids.
 * Where no worker can be had, the page's own timers serve; a hidden tab may then lose its connection
 * and say so when it comes back.
 */

export interface IntervalTimers {
  readonly set: (run: () => void, everyMs: number) => number;
  readonly clear: (timer: number) => void;
}

const pageTimers: IntervalTimers = {
  set: (run, everyMs) => Number(setInterval(run, everyMs)),
  clear: (timer) => {
    clearInterval(timer);
  },
};

function timersIn(worker: Worker): IntervalTimers {
  const runs = new Map<number, () => void>();
  let last = 0;
  worker.onmessage = (event: MessageEvent<number>) => runs.get(event.data)?.();
  return {
    set: (run, everyMs) => {
      last += 1;
      runs.set(last, run);
      worker.postMessage({ set: last, ms: everyMs });
      return last;
    },
    clear: (timer) => {
      runs.delete(timer);
      worker.postMessage({ clear: timer });
    },
  };
}

/** Returns worker timers, or the page's own where a worker cannot be started. */
export function createIntervalTimers(): IntervalTimers {
  try {
    return timersIn(new Worker("/timer-worker.js"));
  } catch {
    return pageTimers;
  }
}
