"use client";

import { memo, useEffect, useMemo, useRef, useState, type FocusEvent, type ReactElement } from "react";

import { classes } from "@/components/ui/classes";
import { Panel, PanelHeader } from "@/components/ui/panel";
import { Select } from "@/components/ui/select";
import { Tag } from "@/components/ui/tag";
import { useAllowed } from "@/features/shell/allowed";
import { useDevices, useEngine, useValue } from "@/lib/engine/hooks";
import type { EventKind, LogEvent } from "@/lib/store/events";
import { formatClock, formatCount, formatDateTime } from "@/lib/values/format";

const MOST_LINES = 120;
const EVERYTHING = "";
/** Whoever has scrolled down is reading, and lines must not move below their eyes. */
const READING_PX = 8;
const TONES: Readonly<Record<LogEvent["tone"], string>> = { plain: "text-text", ok: "text-ok", warn: "text-warn", down: "text-down" };
const KINDS: readonly { readonly value: EventKind | ""; readonly label: string; readonly needsLogs?: true }[] = [
  { value: EVERYTHING, label: "All events" },
  { value: "sent", label: "Values sent" },
  { value: "connection", label: "Connected, lost, flushed" },
  { value: "command", label: "Commands" },
  { value: "sign-in", label: "Sign-ins", needsLogs: true },
  { value: "rejected", label: "Rejected", needsLogs: true },
];

/** What has happened lately, newest first; stands still while one points at it or is in it. */
export function RecentLog(): ReactElement {
  const mayViewLogs = useAllowed("VIEW_LOGS");
  // Made anew with other rights: lines that were held still may be for nobody's eyes now.
  return <Log key={mayViewLogs ? "all" : "heard"} mayViewLogs={mayViewLogs} />;
}

function Log({ mayViewLogs }: { readonly mayViewLogs: boolean }): ReactElement {
  const { events, logReader } = useEngine();
  const failing = useValue(logReader.failing);
  const live = useValue(useMemo(() => ({ get: events.list, subscribe: events.subscribe }), [events]));
  const [held, setHeld] = useState<readonly LogEvent[] | null>(null);
  const [clientId, setClientId] = useState(EVERYTHING);
  const [kind, setKind] = useState<EventKind | "">(EVERYTHING);
  useEffect(() => (mayViewLogs ? logReader.follow() : undefined), [logReader, mayViewLogs]);
  const shown = held ?? live;
  const lines = useMemo(() => fitting(shown, clientId, kind), [shown, clientId, kind]);
  return (
    <Panel aria-label="Recent log" data-testid="recent-log" className="flex flex-col">
      <PanelHeader title="Recent log">
        <Pause held={held} live={live} />
      </PanelHeader>
      <div className="grid grid-cols-2 gap-2 border-b px-4 py-2">
        <DeviceFilter value={clientId} onChoose={setClientId} />
        <Select label="Kind of event" value={kind} choices={KINDS.filter((each) => mayViewLogs || each.needsLogs !== true)} onChoose={setKind} testId="log-kind" />
      </div>
      <Lines lines={lines} onHold={(hold) => setHeld((now) => (hold ? (now ?? live) : null))} />
      {failing && <p className="border-t px-4 py-2 text-xs text-warn">Sign-ins and rejected messages cannot be read at present. It is tried again by itself.</p>}
    </Panel>
  );
}

function fitting(events: readonly LogEvent[], clientId: string, kind: EventKind | ""): readonly LogEvent[] {
  return events.filter((each) => (clientId === EVERYTHING || each.clientId === clientId) && (kind === EVERYTHING || each.kind === kind)).slice(0, MOST_LINES);
}

/** How much has come since the log was held. */
function Pause({ held, live }: { readonly held: readonly LogEvent[] | null; readonly live: readonly LogEvent[] }): ReactElement {
  const newest = held?.[0]?.key;
  const at = held === null ? 0 : live.findIndex((each) => each.key === newest);
  return (
    <span className="ml-auto text-xs text-faint">
      {held !== null && <Tag tone="warn">{at === 0 ? "paused" : `paused, ${at < 0 ? `over ${formatCount(live.length)}` : formatCount(at)} newer`}</Tag>}
    </span>
  );
}

function DeviceFilter({ value, onChoose }: { readonly value: string; readonly onChoose: (clientId: string) => void }): ReactElement {
  const devices = useDevices();
  const choices = useMemo(() => [{ value: EVERYTHING, label: "All devices" }, ...devices.map(({ clientId }) => ({ value: clientId, label: clientId }))], [devices]);
  return <Select label="Device" value={value} choices={choices} onChoose={onChoose} testId="log-device" />;
}

interface LinesProps {
  readonly lines: readonly LogEvent[];
  readonly onHold: (hold: boolean) => void;
}

function Lines({ lines, onHold }: LinesProps): ReactElement {
  const pointed = useRef(false);
  const focused = useRef(false);
  const reading = useRef(false);
  const change = (what: { current: boolean }, is: boolean): void => {
    what.current = is;
    onHold(pointed.current || focused.current || reading.current);
  };
  const left = (event: FocusEvent): boolean => !event.currentTarget.contains(event.relatedTarget);
  return (
    // Pointing at it only holds it still; nothing can be done here that a keyboard could not.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <div
      role="log"
      aria-label="Events"
      // Read out on request only: with every value it would never be silent.
      aria-live="off"
      // A scrolled list must be reachable by keyboard.
      // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
      data-testid="log-lines"
      onMouseEnter={() => change(pointed, true)}
      onMouseLeave={() => change(pointed, false)}
      onFocus={() => change(focused, true)}
      onBlur={(event) => change(focused, !left(event))}
      onScroll={(event) => change(reading, event.currentTarget.scrollTop > READING_PX)}
      className="h-[320px] overflow-y-auto py-1 outline-offset-[-2px]! min-[1800px]:h-[460px]"
    >
      {lines.length === 0 ? (
        <p className="px-4 py-3 text-[13px] text-muted">Nothing yet. Events stand here as they happen.</p>
      ) : (
        <ol>
          {lines.map((event) => (
            <Line key={event.key} event={event} />
          ))}
        </ol>
      )}
    </div>
  );
}

const Line = memo(function Line({ event }: { readonly event: LogEvent }): ReactElement {
  return (
    <li data-testid="log-line" data-kind={event.kind} data-client-id={event.clientId} className="flex items-baseline gap-2 px-4 py-[3px] text-xs">
      <time className="num shrink-0 text-faint" dateTime={new Date(event.at).toISOString()} title={formatDateTime(event.at)}>
        {formatClock(event.at)}
      </time>
      <p className={classes("min-w-0 flex-1", event.kind === "sent" ? "truncate" : "break-words")} title={[event.clientId, event.text, event.detail].filter((each) => each !== "").join(" · ")}>
        {event.clientId !== "" && <span className="font-medium">{event.clientId} </span>}
        <span className={classes("num", event.kind === "sent" ? "text-muted" : TONES[event.tone])}>{event.text}</span>
        {event.detail !== "" && <span className="text-faint"> {event.detail}</span>}
      </p>
    </li>
  );
});
