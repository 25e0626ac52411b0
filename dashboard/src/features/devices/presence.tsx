import type { ReactElement } from "react";

import { classes } from "@/components/ui/classes";
import { Dot, type Tone } from "@/components/ui/dot";
import { bufferOf, type Device, type Presence } from "@/lib/store/devices";
import { formatCount } from "@/lib/values/format";

const TONES: Readonly<Record<Presence, Tone>> = { ONLINE: "ok", SYNCING: "warn", OFFLINE: "down" };
const TEXT: Readonly<Record<Presence, string>> = { ONLINE: "text-ok", SYNCING: "text-warn", OFFLINE: "text-down" };
const WORDS: Readonly<Record<Presence, string>> = { ONLINE: "Online", SYNCING: "Syncing", OFFLINE: "Offline" };

/** A device's presence: green, amber, red (B5). */
export function PresenceBadge({ presence }: { readonly presence: Presence | null }): ReactElement | null {
  return presence === null ? null : (
    <span className={classes("inline-flex items-center gap-1.5 text-xs font-medium", TEXT[presence])}>
      <Dot tone={TONES[presence]} />
      {WORDS[presence]}
    </span>
  );
}

/** Buffered records; an estimate is marked as one. *at*: from `useJudgingTime`. */
export function BufferedCount({ device, at }: { readonly device: Device; readonly at: number }): ReactElement {
  const buffered = bufferOf(device, at);
  if (buffered === null) {
    return <span className="text-faint">–</span>;
  }
  const title = buffered.estimated ? "Estimate: its last figure and what it has probably produced since." : "Readings that no receipt has named yet.";
  return (
    <span title={title} className={classes("num", buffered.count > 0 && "text-warn")}>
      {buffered.estimated && <abbr title={title} className="mr-0.5 no-underline">≈</abbr>}
      {formatCount(buffered.count)}
    </span>
  );
}
