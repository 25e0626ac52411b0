/** The chart's cursor from the keyboard: which key does what; pure. */

import type { Span } from "@/lib/store/chart";

export type ChartKey =
  | { readonly kind: "cursor"; readonly at: number | null }
  | { readonly kind: "zoom"; readonly span: Span }
  | { readonly kind: "back" };

const STEPS = 100;
const PAGE = 10;
const CLOSER = 4;

function within(span: Span, at: number): number {
  return Math.min(span.to, Math.max(span.from, at));
}

/** What *key* asks for. *shown*: the stretch on the screen; *at*: where the cursor stands, `null` when nowhere. */
export function chartKey(key: string, shown: Span, at: number | null): ChartKey | null {
  const length = shown.to - shown.from;
  const from = at ?? shown.to;
  const move = (steps: number): ChartKey => ({ kind: "cursor", at: within(shown, from + (steps * length) / STEPS) });
  switch (key) {
    case "ArrowLeft":
    case "ArrowDown":
      return move(-1);
    case "ArrowRight":
    case "ArrowUp":
      return move(1);
    case "PageDown":
      return move(-PAGE);
    case "PageUp":
      return move(PAGE);
    case "Home":
      return { kind: "cursor", at: shown.from };
    case "End":
      return { kind: "cursor", at: shown.to };
    case "+":
    case "=":
      return { kind: "zoom", span: around(shown, from, length / CLOSER) };
    case "-":
      return { kind: "back" };
    case "Escape":
      return at === null ? { kind: "back" } : { kind: "cursor", at: null };
    default:
      return null;
  }
}

/** A stretch of this length around a moment, inside what is shown. */
function around(shown: Span, at: number, length: number): Span {
  const from = Math.min(shown.to - length, Math.max(shown.from, at - length / 2));
  return { from, to: from + length };
}
