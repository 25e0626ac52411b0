"use client";

import { Radio, Search } from "lucide-react";
import { useState, type ReactElement } from "react";

import { Choice } from "@/components/ui/choice";
import { Input } from "@/components/ui/field";
import { Empty, Panel, PanelHeader } from "@/components/ui/panel";
import { MetricCard } from "@/features/devices/metric-card";
import { useTileIndex } from "@/lib/engine/hooks";

const MINUTE_MS = 60_000;
const RANGES = [
  { value: "15", label: "15 m" },
  { value: "60", label: "1 h" },
  { value: "360", label: "6 h" },
  { value: "1440", label: "24 h" },
  { value: "10080", label: "7 d" },
] as const;
type RangeMinutes = (typeof RANGES)[number]["value"];
/** Fewer than this are seen at a glance. */
const SEARCH_FROM = 9;

/** Every metric of a device with its value and its history. */
export function MetricsPanel({ clientId }: { readonly clientId: string }): ReactElement {
  const metrics = useTileIndex().find((each) => each.clientId === clientId)?.metrics ?? [];
  const [minutes, setMinutes] = useState<RangeMinutes>("60");
  const [search, setSearch] = useState("");
  const shown = metrics.filter((metric) => metric.toLowerCase().includes(search.trim().toLowerCase()));
  return (
    <Panel aria-label="Metrics" className="overflow-hidden">
      <PanelHeader title="Metrics">
        <span className="num text-xs text-faint">{metrics.length}</span>
        {metrics.length >= SEARCH_FROM && (
          <div className="relative w-44">
            <Search aria-hidden className="pointer-events-none absolute top-2 left-2.5 size-4 text-faint" />
            <Input type="search" look="search" aria-label="Search metrics" placeholder="Search" value={search} onChange={(event) => setSearch(event.target.value)} data-testid="metric-search" />
          </div>
        )}
        <div className="ml-auto">
          <Choice<RangeMinutes> label="Time range of the charts" value={minutes} choices={RANGES} onChoose={setMinutes} />
        </div>
      </PanelHeader>
      {metrics.length === 0 ? (
        <Empty icon={<Radio aria-hidden />} title="No readings yet">
          Values appear here by themselves as soon as the device publishes its first reading.
        </Empty>
      ) : shown.length === 0 ? (
        <p className="px-4 py-8 text-center text-[13px] text-muted">No metric of this device matches the search.</p>
      ) : (
        <ul className="-mr-px -mb-px grid grid-cols-[repeat(auto-fill,minmax(min(100%,280px),1fr))] [&>li]:border-r [&>li]:border-b">
          {shown.map((metric) => (
            <MetricCard key={metric} clientId={clientId} metric={metric} rangeMs={Number(minutes) * MINUTE_MS} />
          ))}
        </ul>
      )}
    </Panel>
  );
}
