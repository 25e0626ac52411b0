"use client";

import type { ReactElement, ReactNode } from "react";

import { Button } from "@/components/ui/button";
import { classes } from "@/components/ui/classes";
import { Dot, type Tone } from "@/components/ui/dot";
import { Popover, type PopoverTriggerProps } from "@/components/ui/popover";
import { useAllowed } from "@/features/shell/allowed";
import { useSince } from "@/features/shell/since";
import { useEngine, useJudgingTime, useNow, useStatus, useValue } from "@/lib/engine/hooks";
import { serviceStatus } from "@/lib/store/services";
import type { ConnectionState } from "@/lib/store/status";
import { formatAge, formatClock, formatCount } from "@/lib/values/format";

const TONES: Readonly<Record<ConnectionState, Tone>> = { online: "ok", syncing: "warn", disconnected: "down" };
const TEXT: Readonly<Record<ConnectionState, string>> = { online: "text-ok", syncing: "text-warn", disconnected: "text-down" };
const SERVICE_TONES = { ONLINE: "ok", DEGRADED: "warn", OFFLINE: "down" } as const;
const API_TONES = { ok: "ok", unreachable: "down", unknown: "idle" } as const;
const API_WORDS = { ok: "Reachable", unreachable: "Not reachable", unknown: "Not asked yet" } as const;

/** The permanent state of broker and API (B5), each for itself, with the age of the last message; opens to the details. */
export function ConnectionIndicator(): ReactElement {
  const { connection, label } = useStatus();
  const api = useValue(useEngine().api.state);
  const live = useAllowed("VIEW_DASHBOARD");
  const since: Since = { broker: useSince(connection), api: useSince(api) };
  const trigger = (props: PopoverTriggerProps): ReactElement => (
    <button
      {...props}
      type="button"
      data-testid="connection-indicator"
      data-state={connection}
      data-api={api}
      className="flex h-8 min-w-0 items-center gap-2 rounded-md border bg-bg px-2.5 text-[13px] transition-colors hover:border-line-strong"
    >
      <Dot tone={live ? TONES[connection] : "idle"} pulse={connection === "online"} />
      <span role="status" className={classes("truncate font-medium", live ? TEXT[connection] : "text-muted")}>
        {live ? label : "No live data"}
      </span>
      {live && (
        <span className="num hidden text-xs text-muted md:inline">
          <LastMessageAge />
        </span>
      )}
      <span className="flex items-center gap-1.5 border-l pl-2 text-xs text-muted">
        API
        <Dot tone={API_TONES[api]} pulse={api === "ok"} />
        <span role="status" className="sr-only">
          {API_WORDS[api]}
        </span>
      </span>
    </button>
  );
  return (
    <Popover trigger={trigger} label="Connection">
      <Details since={since} />
    </Popover>
  );
}

/** How long ago the last message came, of whatever topic. */
export function LastMessageAge(): ReactElement {
  const { feed } = useEngine();
  const now = useNow();
  const at = feed.lastMessageAt();
  const known = at !== null && now > 0;
  return (
    <span data-testid="last-message-age" data-age-ms={known ? Math.max(0, now - at) : ""}>
      {known ? formatAge(Math.max(0, now - at)) : "no message yet"}
    </span>
  );
}

/** Since when broker and API are in their state, in ms; 0 when that is not known. */
interface Since {
  readonly broker: number;
  readonly api: number;
}

const UNKNOWN: Since = { broker: 0, api: 0 };

function Details({ since }: { readonly since: Since }): ReactElement {
  const status = useStatus();
  const live = useAllowed("VIEW_DASHBOARD");
  return (
    <div className="divide-y text-[13px]">
      <div className="px-4 py-3">
        <p className={classes("font-semibold", live ? TEXT[status.connection] : "text-muted")}>{live ? status.label : "No live data"}</p>
        {status.detail !== "" && <p className="mt-0.5 text-muted">{status.detail}</p>}
        <NextTry />
      </div>
      <ConnectionRows since={since} />
    </div>
  );
}

/** Broker, API and services, each with its own state. */
export function ConnectionRows({ since = UNKNOWN }: { readonly since?: Since }): ReactElement {
  const engine = useEngine();
  const api = useValue(engine.api.state);
  const ignored = useValue(engine.inbox.ignored);
  const status = useStatus();
  return (
    <dl className="grid gap-2 px-4 py-3 text-[13px]">
      <Row label="Broker" tone={TONES[status.connection]} since={since.broker}>
        {status.connection === "online" ? "Connected" : status.connection === "syncing" ? "Connecting" : "Not connected"}
      </Row>
      <Row label="API" tone={API_TONES[api]} since={since.api}>
        {API_WORDS[api]}
      </Row>
      <ServiceRows />
      <Row label="Last message">
        <LastMessageTime />
      </Row>
      <Row label="Messages">
        <MessageRate />
      </Row>
      <Row label="Ignored messages" {...(ignored.count > 0 && { tone: "warn" })}>
        <span data-testid="ignored-messages" title={ignored.last === "" ? "None so far has broken the contract." : ignored.last} className="num">
          {formatCount(ignored.count)}
        </span>
      </Row>
    </dl>
  );
}

function ServiceRows(): ReactElement {
  const services = useValue(useEngine().services.all);
  const at = useJudgingTime();
  return (
    <>
      {services.map((each) => {
        const state = serviceStatus(each, at);
        return (
          <Row key={`${each.service}/${each.instance}`} label={each.service} tone={SERVICE_TONES[state]}>
            <span title={[...each.checks].map(([name, said]) => `${name}: ${said}`).join("\n")}>{state.charAt(0) + state.slice(1).toLowerCase()}</span>
          </Row>
        );
      })}
    </>
  );
}

function LastMessageTime(): ReactElement {
  const { feed } = useEngine();
  useNow();
  const at = feed.lastMessageAt();
  return <span className="num">{at === null ? "none yet" : formatClock(at)}</span>;
}

/** How many messages arrive a second; their mean over the last five. */
function MessageRate(): ReactElement {
  const { messageRate } = useEngine();
  const now = useNow();
  const rate = messageRate.perSecond(now);
  return (
    <span data-testid="message-rate" data-per-second={rate} className="num">
      {rate < 10 ? rate.toFixed(1) : formatCount(rate)}/s
    </span>
  );
}

function NextTry(): ReactElement | null {
  const { link, linkState } = useEngine();
  const { phase, nextTryAt, attempt } = useValue(linkState);
  const now = useNow();
  if (phase !== "waiting" || nextTryAt === null) {
    return null;
  }
  return (
    <div className="mt-2 flex items-center justify-between gap-2">
      <span className="num text-xs text-muted">
        Try {attempt + 1} in {Math.max(0, Math.ceil((nextTryAt - now) / 1_000))} s
      </span>
      <Button size="small" onClick={() => link.retryNow()}>
        Try now
      </Button>
    </div>
  );
}

interface RowProps {
  readonly label: string;
  readonly tone?: Tone;
  readonly since?: number;
  readonly children: ReactNode;
}

function Row({ label, tone, since = 0, children }: RowProps): ReactElement {
  return (
    <div className="flex items-center justify-between gap-3">
      <dt className="truncate text-muted">{label}</dt>
      <dd className="flex items-center gap-2 whitespace-nowrap">
        {since > 0 && <span className="num text-xs text-faint">since {formatClock(since)}</span>}
        {children}
        {tone !== undefined && <Dot tone={tone} />}
      </dd>
    </div>
  );
}
