/**
 * Flow control: so many messages in one go, then the page gets its turn (failure case 34).
 *
 * A message is acknowledged by calling its `done`; holding that back holds back the broker. `yieldTo` must also
 * run in a hidden tab, so it is no animation frame.
 */

export const MESSAGES_AT_A_TIME = 64;

/** Runs something after the page has had its turn. */
export type YieldTo = (run: () => void) => void;

/** Yields through a message channel: not held back in hidden tabs, and after rendering and input when there is any. */
export function channelYield(): YieldTo {
  const waiting: (() => void)[] = [];
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => waiting.shift()?.();
  return (run) => {
    waiting.push(run);
    port2.postMessage(null);
  };
}

export class FlowControl {
  readonly #yieldTo: YieldTo;
  #handled = 0;

  constructor(yieldTo: YieldTo) {
    this.#yieldTo = yieldTo;
  }

  /** Calls *done* now, or after the page's turn when enough has been handled in this one. */
  handled(done: () => void): void {
    this.#handled += 1;
    if (this.#handled < MESSAGES_AT_A_TIME) {
      done();
    } else {
      this.#handled = 0;
      this.#yieldTo(done);
    }
  }
}
