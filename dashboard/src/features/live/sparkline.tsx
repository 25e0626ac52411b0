"use client";

import { useEffect, useRef, type ReactElement } from "react";

import type { PointRing } from "@/lib/store/points";
import { plotValue } from "@/lib/values/exact";

interface SparklineProps {
  readonly points: PointRing;
  /** Anything that changes when the points have. */
  readonly version: unknown;
  readonly stepped: boolean;
  readonly theme: string;
}

/** The newest samples of a tile as a line; decoration, the figures stand beside it. */
export function Sparkline({ points, version, stepped, theme }: SparklineProps): ReactElement {
  const ref = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (ref.current !== null) {
      draw(ref.current, points.toArray().map((point) => plotValue(point.value)), stepped);
    }
  }, [points, version, stepped, theme]);
  return <canvas ref={ref} aria-hidden className="h-full w-full text-accent" />;
}

const PAD = 2;

function draw(canvas: HTMLCanvasElement, values: readonly number[], stepped: boolean): void {
  const context = canvas.getContext("2d");
  const { clientWidth: width, clientHeight: height } = canvas;
  if (context === null || width === 0) {
    return;
  }
  const ratio = window.devicePixelRatio;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  context.scale(ratio, ratio);
  if (values.length > 1) {
    trace(context, values, width, height, stepped);
  }
}

function trace(context: CanvasRenderingContext2D, values: readonly number[], width: number, height: number, stepped: boolean): void {
  const low = Math.min(...values);
  const span = Math.max(...values) - low;
  const y = (value: number): number => (span === 0 ? height / 2 : height - PAD - ((value - low) / span) * (height - 2 * PAD));
  const x = (index: number): number => PAD + (index / (values.length - 1)) * (width - 2 * PAD - 2);
  const style = getComputedStyle(context.canvas);
  const colour = span === 0 ? style.getPropertyValue("--line-strong") : style.color;
  context.beginPath();
  values.forEach((value, index) => {
    if (stepped && index > 0) {
      context.lineTo(x(index), y(values[index - 1] ?? value));
    }
    context.lineTo(x(index), y(value));
  });
  context.strokeStyle = colour;
  context.lineWidth = 1.25;
  context.lineJoin = "round";
  context.stroke();
  if (span === 0) {
    return;
  }
  shade(context, x(values.length - 1), height, colour);
  context.beginPath();
  context.arc(x(values.length - 1), y(values.at(-1) ?? 0), 1.8, 0, 2 * Math.PI);
  context.fillStyle = colour;
  context.fill();
}

/** Fills below the line just drawn. */
function shade(context: CanvasRenderingContext2D, right: number, height: number, colour: string): void {
  context.lineTo(right, height);
  context.lineTo(PAD, height);
  context.closePath();
  context.globalAlpha = 0.1;
  context.fillStyle = colour;
  context.fill();
  context.globalAlpha = 1;
}
