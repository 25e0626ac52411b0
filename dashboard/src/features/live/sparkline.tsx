"use client";

import { useEffect, useRef, type ReactElement } from "react";

import type { PointRing } from "@/lib/store/points";
import { SparkPainter } from "@/features/live/spark-painter";

interface SparklineProps {
  readonly points: PointRing;
  /** Anything that changes when the points have. */
  readonly version: unknown;
  readonly stepped: boolean;
  readonly theme: string;
}

/** The newest samples of a tile as a line; decoration, the figures stand beside it. */
export function Sparkline({ points, version, stepped, theme }: SparklineProps): ReactElement {
  const canvas = useRef<HTMLCanvasElement>(null);
  const painter = useRef<SparkPainter | null>(null);
  useEffect(() => {
    const made = canvas.current === null ? null : new SparkPainter(canvas.current, points, stepped);
    painter.current = made;
    return () => made?.end();
  }, [points, stepped, theme]);
  useEffect(() => painter.current?.changed(), [version]);
  return <canvas ref={canvas} aria-hidden className="h-full w-full text-accent" />;
}
