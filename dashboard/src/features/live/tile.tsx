"use client";

import { Pin as PinIcon } from "lucide-react";
import { memo, useEffect, type ReactElement } from "react";

import { classes } from "@/components/ui/classes";
import { Tag } from "@/components/ui/tag";
import { Sparkline } from "@/features/live/sparkline";
import { ageOf, freshnessOf, type Freshness, type Surroundings } from "@/features/live/freshness";
import type { Pin } from "@/features/live/pins";
import { Digits, ValueText } from "@/features/live/value-text";
import { shownTheme } from "@/features/shell/theme";
import { useEachSecond, useEngine, useOnScreen, useTile, useValue } from "@/lib/engine/hooks";
import type { Tile as TileData } from "@/lib/store/tiles";
import { exactText } from "@/lib/values/exact";
import { formatAge, formatStep } from "@/lib/values/format";
import { unitOf } from "@/lib/values/unit";

interface TileProps extends Surroundings {
  readonly clientId: string;
  readonly metric: string;
  /** Its place among the chart's colours, 1 and up; 0 when it is not on the chart. */
  readonly seriesNo: number;
  readonly pinned: boolean;
  /** Whether its section is on the screen; if not, neither is the tile. */
  readonly near: boolean;
  readonly onPin: (pin: Pin) => void;
}

/** One metric as on a trading screen; pressing it puts it on the chart or takes it off. A pinned one names its device. */
export const Tile = memo(function Tile({ clientId, metric, seriesNo, pinned, near, onPin, ...surroundings }: TileProps): ReactElement | null {
  const { chart, sparks } = useEngine();
  const [ref, onScreen] = useOnScreen<HTMLDivElement>(near);
  const tile = useTile(clientId, metric, onScreen);
  useEffect(() => {
    if (onScreen) {
      sparks.want({ clientId, metric });
    }
  }, [sparks, clientId, metric, onScreen]);
  if (tile === null) {
    return null;
  }
  return (
    <div
      ref={ref}
      style={seriesNo > 0 ? { borderColor: `var(--series-${seriesNo})`, boxShadow: `inset 2px 0 0 var(--series-${seriesNo})` } : undefined}
      className={classes(
        "group relative min-w-0 overflow-hidden rounded-md border bg-surface shadow-card transition-[border-color] [contain:strict] hover:border-line-strong",
        pinned ? "h-[114px]" : "h-[98px]",
      )}
    >
      <button
        type="button"
        aria-pressed={seriesNo > 0}
        title={seriesNo > 0 ? "Take it off the chart" : "Show it on the chart"}
        onClick={() => chart.toggle({ clientId, metric }, tile.recent.toArray().filter((point) => point.sequence !== null))}
        data-testid="tile"
        data-client-id={clientId}
        data-metric={metric}
        data-value={exactText(tile.value)}
        data-origin={tile.origin}
        data-pinned={pinned}
        className="isolate flex h-full w-full flex-col rounded-[5px] text-left outline-offset-[-2px]!"
      >
        {onScreen ? <TileBody tile={tile} surroundings={surroundings} pinned={pinned} /> : <SleepingBody tile={tile} />}
      </button>
      <PinButton clientId={clientId} metric={metric} pinned={pinned} onPin={onPin} />
    </div>
  );
});

function PinButton({ clientId, metric, pinned, onPin }: Pick<TileProps, "clientId" | "metric" | "pinned" | "onPin">): ReactElement {
  return (
    <button
      type="button"
      aria-pressed={pinned}
      aria-label={`Pin ${metric} of ${clientId}`}
      title={pinned ? "Take the pin off" : "Pin: show it first"}
      onClick={() => onPin({ clientId, metric })}
      data-testid="pin"
      className={classes(
        "absolute top-1 right-1 grid size-6 place-items-center rounded outline-offset-[-2px]! transition-opacity hover:bg-raised hover:text-text",
        pinned ? "text-accent" : "text-faint opacity-0 group-hover:opacity-100 focus-visible:opacity-100 [@media(hover:none)]:opacity-100",
      )}
    >
      <PinIcon aria-hidden className={classes("size-3.5", pinned && "fill-current")} />
    </button>
  );
}

/** Off the screen only what can be searched for is kept. */
function SleepingBody({ tile }: { readonly tile: TileData }): ReactElement {
  return (
    <span className="flex flex-col px-3 pt-2 text-xs text-muted">
      {tile.metric} <span>{exactText(tile.value)}</span>
    </span>
  );
}

interface TileBodyProps {
  readonly tile: TileData;
  readonly surroundings: Surroundings;
  readonly pinned: boolean;
}

function TileBody({ tile, surroundings, pinned }: TileBodyProps): ReactElement {
  const freshness = useEachSecond((now) => freshnessOf(tile, surroundings, now));
  const theme = useValue(shownTheme);
  const stale = freshness === "stale";
  const flash = tile.flashes > 0 && tile.direction !== "none" && !stale;
  return (
    <span
      data-freshness={freshness}
      className={classes(
        "flash flex flex-1 flex-col px-3",
        pinned ? "pt-1.5" : "pt-2",
        flash && (tile.direction === "up" ? "flash-up" : "flash-down"),
        flash && (tile.flashes % 2 === 0 ? "flash-even" : "flash-odd"),
      )}
    >
      {pinned && (
        <span className="truncate pr-6 text-[11px] leading-4 text-faint" title={tile.clientId}>
          {tile.clientId}
        </span>
      )}
      <span className={classes("flex items-center gap-2 text-xs", !pinned && "pr-4")}>
        <span className="min-w-0 flex-1 truncate text-muted" title={tile.metric}>
          {tile.metric}
        </span>
        <FreshnessTag tile={tile} freshness={freshness} />
      </span>
      <span className={classes("mt-0.5", stale && "text-muted")}>
        {typeof tile.value === "boolean" ? <Lamp on={tile.value} /> : <Figure tile={tile} />}
      </span>
      <span className="mt-auto flex items-end gap-3 pb-2">
        {!stale && <Step tile={tile} />}
        <span className={classes("h-7 min-w-0 flex-1", stale && "opacity-40 grayscale")}>
          <Sparkline points={tile.recent} version={tile} stepped={typeof tile.value === "boolean"} theme={theme} />
        </span>
      </span>
    </span>
  );
}

const MARKS = {
  stale: { word: "stale", tone: "warn", title: "Not current: its device is away, nothing newer has come for three sampling intervals, or the connection is down." },
  replayed: { word: "replayed", tone: "plain", title: "From the device's heartbeat while it catches up with its backlog." },
  known: { word: "last known", tone: "plain", title: "The last known value; nothing live has arrived yet." },
} as const;
const A_MOMENT_MS = 1_500;
const LARGEST_PX = 20;
/** Width of a digit in its own size, the space between groups included. */
const DIGIT_EM = 0.69;
/** So many characters fit into the narrowest tile in the largest size. */
const ALWAYS_FIT = 9;

/** Long integers stay whole, so the type becomes smaller instead; *length* in characters, the unit included. */
function fontSize(length: number): string {
  return `min(${LARGEST_PX}px, ${(100 / (length * DIGIT_EM)).toFixed(2)}cqw)`;
}

/** Only a long integer asks for the tile's width, since that has the browser lay the tile out before it can style it. */
function Figure({ tile }: { readonly tile: TileData }): ReactElement {
  const unit = unitOf(tile.metric);
  const length = typeof tile.value === "bigint" ? String(tile.value).length + unit.length : 1;
  const fits = length <= ALWAYS_FIT;
  return (
    <span className={classes("flex h-7 items-baseline gap-1.5", !fits && "[container-type:inline-size]")}>
      <span className="num font-semibold tracking-tight whitespace-nowrap" style={{ fontSize: fits ? LARGEST_PX : fontSize(length) }}>
        <ValueText value={tile.value} digits={tile.fraction} />
      </span>
      {unit !== "" && <span className="text-xs text-muted">{unit}</span>}
    </span>
  );
}

/** The step from the value before, with its direction. */
function Step({ tile }: { readonly tile: TileData }): ReactElement | null {
  if (tile.delta === null || tile.direction === "none") {
    return null;
  }
  const up = tile.direction === "up";
  return (
    <span className={classes("num flex min-w-14 items-baseline gap-1 text-xs", up ? "text-up" : "text-down")}>
      <span aria-label={up ? "up" : "down"} className="text-[8px]">
        {up ? "▲" : "▼"}
      </span>
      <span>{typeof tile.delta === "bigint" ? <Digits text={String(tile.delta).replace("-", "")} /> : formatStep(tile.delta, tile.fraction)}</span>
    </span>
  );
}

function Lamp({ on }: { readonly on: boolean }): ReactElement {
  return (
    <span className="flex h-7 items-center gap-2">
      <span aria-hidden className={classes("size-3 rounded-full border-2", on ? "border-lamp bg-lamp shadow-[0_0_8px_var(--lamp)]" : "border-line-strong bg-transparent")} />
      <span className={classes("text-base font-semibold", on ? "text-text" : "text-muted")}>{on ? "true" : "false"}</span>
    </span>
  );
}

function FreshnessTag({ tile, freshness }: { readonly tile: TileData; readonly freshness: Freshness }): ReactElement {
  const age = useEachSecond((now) => (ageOf(tile, now) < A_MOMENT_MS ? "" : formatAge(ageOf(tile, now))));
  if (freshness === "live") {
    return <span className="num text-muted">{age === "" ? "now" : age}</span>;
  }
  const { word, title, tone } = MARKS[freshness];
  return (
    <Tag tone={tone} title={title}>
      {`${word} ${age}`.trim()}
    </Tag>
  );
}
