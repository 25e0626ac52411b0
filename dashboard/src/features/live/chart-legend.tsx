"use client";

import { X } from "lucide-react";
import type { ReactElement } from "react";

import { Tag } from "@/components/ui/tag";
import { classes } from "@/components/ui/classes";
import { readingAt, type Reading } from "@/features/live/chart-words";
import { ageOf, freshnessOf, type Freshness } from "@/features/live/freshness";
import { ValueText } from "@/features/live/value-text";
import { useDevice, useEachSecond, useEngine, usePresence, useSeries, useStatus, useTile, useValue } from "@/lib/engine/hooks";
import type { Series } from "@/lib/store/chart";
import type { Tile } from "@/lib/store/tiles";
import type { ValueStore } from "@/lib/store/value-store";
import { exactText } from "@/lib/values/exact";
import { formatAge } from "@/lib/values/format";
import { unitOf } from "@/lib/values/unit";

interface LegendProps {
  readonly cursor: ValueStore<number | null>;
  readonly focus: number;
  readonly onFocus: (index: number) => void;
}

/** The metrics on the chart with their values now or under the cursor; pressing one brings its axis to the front. */
export function Legend({ cursor, focus, onFocus }: LegendProps): ReactElement {
  const series = useSeries();
  return (
    <ul aria-label="Metrics on the chart" className="flex min-w-0 flex-wrap items-center gap-1.5">
      {series.map((each, index) => (
        <LegendEntry
          key={`${each.clientId}/${each.metric}`}
          series={each}
          no={index + 1}
          cursor={cursor}
          focused={focus === index}
          onFocus={series.length > 1 ? () => onFocus(focus === index ? -1 : index) : null}
        />
      ))}
    </ul>
  );
}

interface LegendEntryProps {
  readonly series: Series;
  readonly no: number;
  readonly cursor: ValueStore<number | null>;
  readonly focused: boolean;
  readonly onFocus: (() => void) | null;
}

function LegendEntry({ series, no, cursor, focused, onFocus }: LegendEntryProps): ReactElement {
  const { chart } = useEngine();
  const at = useValue(cursor);
  const live = useTile(series.clientId, series.metric, true);
  const newest = live?.value ?? series.points.at(-1)?.value ?? null;
  return (
    <li data-testid="legend-entry" data-client-id={series.clientId} data-metric={series.metric} className={classes("flex h-7 max-w-full items-center gap-1.5 rounded-md border bg-bg pr-0.5 pl-2 text-xs", focused && "border-line-strong bg-raised")}>
      <button type="button" disabled={onFocus === null} aria-pressed={focused} onClick={onFocus ?? undefined} title={`${series.clientId} · ${series.metric}${onFocus === null ? "" : ": show its axis first"}`} className="flex min-w-0 items-center gap-1.5">
        <span aria-hidden className="h-0.5 w-3 shrink-0 rounded-full" style={{ background: `var(--series-${no})` }} />
        <span className="truncate text-muted">
          <span className="max-sm:hidden">{series.clientId} · </span>
          {series.metric}
        </span>
      </button>
      {at !== null ? <CursorValue found={readingAt(series, at)} /> : <Value exact={newest === null ? "" : exactText(newest)}>{newest === null ? "–" : <ValueText value={newest} />}</Value>}
      <span className="text-faint">{unitOf(series.metric)}</span>
      {live !== null && <State series={series} tile={live} />}
      {series.trouble !== "" && (
        <Tag tone="warn" title={series.trouble}>
          no history
        </Tag>
      )}
      <button
        type="button"
        aria-label={`Take ${series.metric} of ${series.clientId} off the chart`}
        onClick={() => chart.toggle(series, [])}
        className="grid size-6 place-items-center rounded text-faint hover:bg-raised hover:text-text"
      >
        <X aria-hidden className="size-3.5" />
      </button>
    </li>
  );
}

function Value({ exact, children }: { readonly exact: string; readonly children: ReactElement | string }): ReactElement {
  return (
    <span data-testid="legend-value" data-value={exact} className="num min-w-12 text-right font-semibold whitespace-nowrap">
      {children}
    </span>
  );
}

function CursorValue({ found }: { readonly found: Reading | null }): ReactElement {
  if (found === null) {
    return <Value exact="">–</Value>;
  }
  const { least, greatest } = found;
  return (
    <Value exact={exactText(greatest.value)}>
      <>
        {least.value !== greatest.value && (
          <>
            <ValueText value={least.value} /> –{" "}
          </>
        )}
        <ValueText value={greatest.value} />
      </>
    </Value>
  );
}

/** A word where the newest value is not simply live. */
function State({ series, tile }: { readonly series: Series; readonly tile: Tile }): ReactElement {
  const device = useDevice(series.clientId);
  const presenceNow = usePresence();
  const connected = useStatus().connection === "online";
  const presence = device === null ? null : presenceNow(device);
  const samplingMs = (device?.figures?.sampling_interval_s ?? 0) * 1_000;
  const freshness = useEachSecond<Freshness>((now) => freshnessOf(tile, { presence, samplingMs, connected }, now));
  const age = useEachSecond((now) => formatAge(ageOf(tile, now)));
  const replaying = presence === "SYNCING" || series.points.some((point) => point.replayed === true);
  return (
    <>
      {replaying && <Tag title="The device sends what it had kept back; dots are such values, until the archive has confirmed them all.">replaying</Tag>}
      {freshness === "stale" && (
        <Tag tone="warn" title="Not current: nothing newer has arrived for too long, or the connection is down.">
          stale {age}
        </Tag>
      )}
    </>
  );
}
