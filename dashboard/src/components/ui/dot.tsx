import type { ReactElement } from "react";

import { classes } from "@/components/ui/classes";

const TONES = { ok: "bg-ok", warn: "bg-warn", down: "bg-down", idle: "bg-faint" } as const;

export type Tone = keyof typeof TONES;

/** A state as a coloured dot; always beside a word that says the same. */
export function Dot({ tone, pulse = false }: { readonly tone: Tone; readonly pulse?: boolean }): ReactElement {
  return (
    <span aria-hidden className={classes("inline-grid size-2 shrink-0", pulse && "relative")}>
      {pulse && <span className={classes("pulse-ring absolute inset-0 rounded-full", TONES[tone])} />}
      <span className={classes("size-2 rounded-full", TONES[tone])} />
    </span>
  );
}
