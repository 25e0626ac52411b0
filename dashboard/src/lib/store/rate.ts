/** How many things happen a second, over the last few full seconds; a few numbers of memory, whatever the rate. */

const SECONDS = 5;
const SECOND_MS = 1_000;

export class RateMeter {
  /** Counts by second; the second that a count belongs to stands beside it. */
  readonly #counts = new Array<number>(SECONDS + 1).fill(0);
  readonly #seconds = new Array<number>(SECONDS + 1).fill(-1);

  count(now: number): void {
    const second = Math.floor(now / SECOND_MS);
    const place = second % this.#counts.length;
    this.#counts[place] = (this.#seconds[place] === second ? (this.#counts[place] ?? 0) : 0) + 1;
    this.#seconds[place] = second;
  }

  /** The mean of the last full seconds; the one that is running is not counted. */
  perSecond(now: number): number {
    const running = Math.floor(now / SECOND_MS);
    const counted = this.#counts.filter((_, place) => {
      const second = this.#seconds[place] ?? -1;
      return second < running && second >= running - SECONDS;
    });
    return counted.reduce((sum, each) => sum + each, 0) / SECONDS;
  }
}
