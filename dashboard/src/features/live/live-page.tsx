"use client";

import { Radio, Search } from "lucide-react";
import { useEffect, useMemo, useRef, useState, type ReactElement } from "react";

import { Input } from "@/components/ui/field";
import { Empty, Panel, Skeleton } from "@/components/ui/panel";
import { ChartPanel } from "@/features/live/chart-panel";
import { firstChoice } from "@/features/live/first-choice";
import { DeviceRail } from "@/features/live/device-rail";
import { DeviceSection, PinnedSection } from "@/features/live/device-section";
import { browserStorage, PinStore } from "@/features/live/pins";
import { Summary } from "@/features/live/summary";
import { arrange } from "@/features/live/tile-groups";
import { useEngine, usePerson, useStatus, useTileIndex, useValue } from "@/lib/engine/hooks";
import { MOST_CHOSEN } from "@/lib/store/chart";
import { tileKey } from "@/lib/store/tiles";

/** Everything as it happens: figures, chart, tiles by device, and who is there. */
export function LivePage(): ReactElement {
  useFirstChoice();
  return (
    <div className="mx-auto grid max-w-[2400px] gap-3 sm:gap-4 xl:grid-cols-[minmax(0,1fr)_320px] min-[1800px]:grid-cols-[minmax(0,1fr)_400px]">
      <h1 className="sr-only">Dashboard</h1>
      <div className="grid min-w-0 content-start gap-3 sm:gap-4">
        <Summary />
        <ChartPanel />
        <Tiles />
      </div>
      <DeviceRail />
    </div>
  );
}

function Tiles(): ReactElement {
  const engine = useEngine();
  const person = usePerson();
  const [pinStore] = useState(() => new PinStore(person.id, browserStorage()));
  const pins = useValue(pinStore.all);
  const index = useTileIndex();
  const { chosen } = useValue(engine.chart.view);
  const loaded = useValue(engine.refetcher.loaded);
  const outdated = useStatus().connection !== "online";
  const [filter, setFilter] = useState("");
  const shown = useMemo(() => arrange(index, pins, filter), [index, pins, filter]);
  const charted = useMemo(() => new Map(chosen.map((each, at) => [tileKey(each.clientId, each.metric), at + 1])), [chosen]);
  if (index.length === 0) {
    return loaded ? <NoTiles /> : <TileSkeletons />;
  }
  return (
    <>
      <Filter value={filter} onChange={setFilter} shown={shown.count} />
      <div data-outdated={outdated} className="grid gap-4">
        {shown.pinned.length > 0 && <PinnedSection pins={shown.pinned} charted={charted} onPin={pinStore.toggle} />}
        {shown.groups.map(({ clientId, metrics }) => (
          <DeviceSection key={clientId} clientId={clientId} metrics={metrics} charted={charted} onPin={pinStore.toggle} />
        ))}
        {shown.count === 0 && <p className="py-6 text-center text-[13px] text-muted">No metric fits “{filter}”. Escape clears the filter.</p>}
      </div>
    </>
  );
}

interface FilterProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly shown: number;
}

function Filter({ value, onChange, shown }: FilterProps): ReactElement {
  const ref = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const focus = (event: KeyboardEvent): void => {
      const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea, [contenteditable]") !== null;
      if (event.key === "/" && !typing) {
        event.preventDefault();
        ref.current?.focus();
      }
    };
    document.addEventListener("keydown", focus);
    return () => document.removeEventListener("keydown", focus);
  }, []);
  return (
    <div className="flex items-center gap-3">
      <div className="relative w-full max-w-xs">
        <Search aria-hidden className="pointer-events-none absolute top-2 left-2.5 size-4 text-faint" />
        <Input
          ref={ref}
          type="search"
          aria-label="Filter by device or metric"
          placeholder="Filter by device or metric"
          value={value}
          onChange={(event) => onChange(event.target.value)}
          onKeyDown={(event) => event.key === "Escape" && onChange("")}
          look="search"
          data-testid="filter"
        />
        <kbd aria-hidden className="pointer-events-none absolute top-1.5 right-2 hidden h-5 w-5 place-items-center rounded border text-[11px] text-faint sm:grid">
          /
        </kbd>
      </div>
      <span className="num text-xs text-faint" role="status">
        {value === "" ? "" : `${shown} ${shown === 1 ? "metric" : "metrics"}`}
      </span>
    </div>
  );
}

function NoTiles(): ReactElement {
  return (
    <Panel>
      <Empty icon={<Radio aria-hidden />} title="No telemetry yet">
        Values appear here by themselves as soon as an enrolled device publishes its first reading.
      </Empty>
    </Panel>
  );
}

function TileSkeletons(): ReactElement {
  return (
    <div role="status" className="grid grid-cols-[repeat(auto-fill,minmax(188px,1fr))] gap-2">
      <span className="sr-only">Loading values</span>
      {Array.from({ length: 12 }, (_, index) => (
        <Skeleton key={index} className="h-[98px] border" />
      ))}
    </div>
  );
}

/** Puts something on the chart once there is something, unless the person has chosen by then. */
function useFirstChoice(): void {
  const { chart, tiles } = useEngine();
  const index = useTileIndex();
  const done = useRef(false);
  useEffect(() => {
    if (done.current || index.length === 0) {
      return;
    }
    done.current = true;
    if (chart.view.get().chosen.length === 0) {
      firstChoice(index, tiles)
        .slice(0, MOST_CHOSEN)
        .forEach((chosen) => chart.toggle(chosen, tiles.tile(chosen.clientId, chosen.metric)?.recent.toArray().filter((point) => point.sequence !== null) ?? []));
    }
  }, [chart, index, tiles]);
}
