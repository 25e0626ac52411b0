"use client";

import { X } from "lucide-react";
import { useId, useState, type ReactElement, type ReactNode } from "react";

import { Button } from "@/components/ui/button";
import { Select } from "@/components/ui/select";
import { OWN_PERIOD, type Filter, type Filters } from "@/features/logs/filters";
import { useDevices } from "@/lib/engine/hooks";

const PERIODS: readonly { readonly value: string; readonly label: string }[] = [
  { value: "", label: "Any time" },
  { value: "1h", label: "Last hour" },
  { value: "24h", label: "Last 24 hours" },
  { value: "7d", label: "Last 7 days" },
  { value: OWN_PERIOD, label: "From … to …" },
];

interface FilterBarProps {
  readonly filters: Filters;
  readonly isFiltered: boolean;
  readonly onSet: (changes: Partial<Filters>, step?: boolean) => void;
  readonly onClear: () => void;
  /** The filters of this log alone. */
  readonly children: ReactNode;
}

/** What of the log is shown; everything stands in the address. */
export function FilterBar({ filters, isFiltered, onSet, onClear, children }: FilterBarProps): ReactElement {
  return (
    <div className="flex flex-wrap items-end gap-2 border-b px-4 py-2.5 max-sm:px-2.5" role="search" aria-label="Filters">
      <Select label="Period" value={filters.period} choices={PERIODS} onChoose={(period) => onSet({ period, from: "", to: "" })} testId="filter-period" />
      {filters.period === OWN_PERIOD && (
        <>
          <TimeFilter label="From" value={filters.from} onSet={(from) => onSet({ from }, false)} testId="filter-from" />
          <TimeFilter label="To" value={filters.to} onSet={(to) => onSet({ to }, false)} testId="filter-to" />
        </>
      )}
      {children}
      <Chip name="record" filters={filters} label="Record" onSet={onSet} />
      <Chip name="command" filters={filters} label="Command" onSet={onSet} />
      {isFiltered && (
        <Button tone="quiet" data-testid="clear-filters" onClick={onClear}>
          Clear
        </Button>
      )}
    </div>
  );
}

interface TextFilterProps {
  readonly label: string;
  readonly value: string;
  readonly known?: readonly string[];
  readonly onSet: (value: string) => void;
  readonly testId: string;
}

/** A name to filter by; it counts when Enter is pressed or the field is left, and *known* ones are offered. */
function TextFilter({ label, value, known = [], onSet, testId }: TextFilterProps): ReactElement {
  const id = useId();
  const [typed, setTyped] = useState(value);
  const [before, setBefore] = useState(value);
  if (value !== before) {
    // Another value in the address, for example by Back.
    setBefore(value);
    setTyped(value);
  }
  const commit = (name: string): void => {
    if (name.trim() !== value) {
      onSet(name.trim());
    }
  };
  const type = (name: string): void => {
    setTyped(name);
    if (known.includes(name)) {
      commit(name);
    }
  };
  return (
    <span className="contents">
      <input
        value={typed}
        aria-label={label}
        placeholder={label}
        list={`${id}-known`}
        autoComplete="off"
        spellCheck={false}
        maxLength={200}
        data-testid={testId}
        onBlur={() => commit(typed)}
        onKeyDown={(event) => event.key === "Enter" && commit(typed)}
        onChange={(event) => type(event.target.value)}
        className="h-8 w-36 rounded-md border bg-surface px-2.5 text-[13px] transition-colors placeholder:text-faint hover:border-line-strong"
      />
      <datalist id={`${id}-known`}>
        {known.map((each) => (
          <option key={each} value={each} />
        ))}
      </datalist>
    </span>
  );
}

interface OneFilterProps {
  readonly filters: Filters;
  readonly onSet: (changes: Partial<Filters>) => void;
}

export function PersonFilter({ filters, onSet }: OneFilterProps): ReactElement {
  return <TextFilter label="Person" value={filters.who} onSet={(who) => onSet({ who })} testId="filter-who" />;
}

export function DeviceFilter({ filters, onSet }: OneFilterProps): ReactElement {
  const known = useDevices().map((each) => each.clientId);
  return <TextFilter label="Device" value={filters.device} known={known} onSet={(device) => onSet({ device, record: "" })} testId="filter-device" />;
}

interface CodeFilterProps extends OneFilterProps {
  readonly name: Filter;
  readonly label: string;
  /** What stands for no filter. */
  readonly any: string;
  readonly codes: readonly (readonly [string, string])[];
}

/** One of the codes that a log knows, in words. */
export function CodeFilter({ name, label, any, codes, filters, onSet }: CodeFilterProps): ReactElement {
  const value = filters[name];
  const known = codes.some(([code]) => code === value) || value === "" ? codes : [...codes, [value, value] as const];
  const choices = [{ value: "", label: any }, ...known.map(([code, words]) => ({ value: code, label: words }))];
  return <Select label={label} value={value} choices={choices} onChoose={(next) => onSet({ [name]: next })} testId={`filter-${name}`} />;
}

interface ChipProps extends OneFilterProps {
  readonly name: Filter;
  readonly label: string;
}

/** A filter that came with a link: it is shown and can be taken away. */
function Chip({ name, label, filters, onSet }: ChipProps): ReactElement | null {
  return filters[name] === "" ? null : (
    <span data-testid={`chip-${name}`} className="inline-flex h-8 max-w-72 items-center gap-1 rounded-md border bg-raised pl-2.5 text-[13px]">
      <span className="text-muted">{label}</span>
      <span className="truncate font-mono text-xs">{filters[name]}</span>
      <Button tone="quiet" size="small" aria-label={`Take the filter ${label} away`} onClick={() => onSet({ [name]: "" })}>
        <X aria-hidden className="size-3.5!" />
      </Button>
    </span>
  );
}

interface TimeFilterProps {
  readonly label: string;
  /** RFC 3339; empty when open. */
  readonly value: string;
  readonly onSet: (value: string) => void;
  readonly testId: string;
}

function TimeFilter({ label, value, onSet, testId }: TimeFilterProps): ReactElement {
  const [typed, setTyped] = useState(localText(value));
  return (
    <input
      type="datetime-local"
      aria-label={label}
      title={label}
      value={typed}
      data-testid={testId}
      onChange={(event) => {
        const at = event.target.value === "" ? Number.NaN : Date.parse(event.target.value);
        setTyped(event.target.value);
        onSet(Number.isNaN(at) ? "" : new Date(at).toISOString());
      }}
      className="h-8 rounded-md border bg-surface px-2 text-[13px] hover:border-line-strong"
    />
  );
}

const MINUTE_MS = 60_000;

/** A time as the browser's own field wants it: local, without a zone. */
function localText(value: string): string {
  const at = Date.parse(value);
  return Number.isNaN(at) ? "" : new Date(at - new Date(at).getTimezoneOffset() * MINUTE_MS).toISOString().slice(0, 16);
}
