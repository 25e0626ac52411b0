/**
 * Draws one sparkline, at most a few times a second, without asking the browser for sizes or colours in between.
 *
 * Made anew when the theme changes. It reads the points; it never changes them.
 */

import type { PointRing } from "@/lib/store/points";
import { baseOf, positionOf } from "@/lib/store/drawing";

const LEAST_PAUSE_MS = 500;
const PAD = 2;

export class SparkPainter {
  readonly #canvas: HTMLCanvasElement;
  readonly #points: PointRing;
  readonly #stepped: boolean;
  readonly #observer: ResizeObserver;
  readonly #colour: string;
  readonly #quietColour: string;
  #width = 0;
  #height = 0;
  #drawnAt = -Infinity;
  #waiting: ReturnType<typeof setTimeout> | null = null;

  constructor(canvas: HTMLCanvasElement, points: PointRing, stepped: boolean) {
    this.#canvas = canvas;
    this.#points = points;
    this.#stepped = stepped;
    const style = getComputedStyle(canvas);
    this.#colour = style.color;
    this.#quietColour = style.getPropertyValue("--line-strong");
    this.#observer = new ResizeObserver(([entry]) => this.#resize(entry?.contentRect.width ?? 0, entry?.contentRect.height ?? 0));
    this.#observer.observe(canvas);
  }

  /** The points have changed; draws now or after a short pause. */
  changed(): void {
    const pause = this.#drawnAt + LEAST_PAUSE_MS - performance.now();
    if (pause <= 0) {
      this.#draw();
    } else {
      this.#waiting ??= setTimeout(() => this.#draw(), pause);
    }
  }

  end(): void {
    this.#observer.disconnect();
    this.#waitNoLonger();
  }

  #waitNoLonger(): void {
    if (this.#waiting !== null) {
      clearTimeout(this.#waiting);
      this.#waiting = null;
    }
  }

  #resize(width: number, height: number): void {
    this.#width = width;
    this.#height = height;
    this.#canvas.width = Math.round(width * window.devicePixelRatio);
    this.#canvas.height = Math.round(height * window.devicePixelRatio);
    this.#draw();
  }

  #draw(): void {
    this.#waitNoLonger();
    this.#drawnAt = performance.now();
    const context = this.#canvas.getContext("2d");
    if (context === null || this.#width === 0) {
      return;
    }
    const points = this.#points.toArray();
    const base = baseOf(points);
    const values = points.map((point) => positionOf(point.value, base));
    context.setTransform(window.devicePixelRatio, 0, 0, window.devicePixelRatio, 0, 0);
    context.clearRect(0, 0, this.#width, this.#height);
    if (values.length > 1) {
      this.#trace(context, values);
    }
  }

  #trace(context: CanvasRenderingContext2D, values: readonly number[]): void {
    const low = Math.min(...values);
    const span = Math.max(...values) - low;
    const height = this.#height - 2 * PAD;
    const y = (value: number): number => (span === 0 ? this.#height / 2 : PAD + height - ((value - low) / span) * height);
    const x = (index: number): number => PAD + (index / (values.length - 1)) * (this.#width - 2 * PAD - 2);
    context.beginPath();
    values.forEach((value, index) => {
      if (this.#stepped && index > 0) {
        context.lineTo(x(index), y(values[index - 1] ?? value));
      }
      context.lineTo(x(index), y(value));
    });
    context.strokeStyle = span === 0 ? this.#quietColour : this.#colour;
    context.lineWidth = 1.25;
    context.lineJoin = "round";
    context.stroke();
    if (span > 0) {
      this.#shade(context, x(values.length - 1), y(values.at(-1) ?? 0));
    }
  }

  /** Fills below the line just drawn and marks its newest point. */
  #shade(context: CanvasRenderingContext2D, right: number, newest: number): void {
    context.lineTo(right, this.#height);
    context.lineTo(PAD, this.#height);
    context.closePath();
    context.globalAlpha = 0.1;
    context.fillStyle = this.#colour;
    context.fill();
    context.globalAlpha = 1;
    context.beginPath();
    context.arc(right, newest, 1.8, 0, 2 * Math.PI);
    context.fill();
  }
}
