"use client";

import type { ReactElement, ReactNode } from "react";

import { Button } from "@/components/ui/button";
import { classes } from "@/components/ui/classes";
import { Dot, type Tone } from "@/components/ui/dot";
import { Popover, type PopoverTriggerProps } from "@/components/ui/popover";
import { useEngine, useJudgingTime, useNow, useStatus, useValue } from "@/lib/engine/hooks";
import { serviceStatus } from "@/lib/store/services";
import type { ConnectionState } from "@/lib/store/status";
import { formatAge, formatClock, formatCount } from "@/lib/values/format";

const TONES: Readonly<Record<ConnectionState, Tone>> = { online: "ok", syncing: "warn", disconnected: "down" };
const TEXT: Readonly<Record<ConnectionState, string>> = { online: "text-ok", syncing: "text-warn", disconnected: "text-down" };
const SERVICE_TONES = { ONLINE: "ok", DEGRADED: "warn", OFFLINE: "down" } as const;
const API_WORDS = { ok: "Reachable", unreachable: "Not reachable", unknown: "Not asked yet" } as const;

/** The permanent state of the connection (B5), with the age of the last message; opens to the details. */
export function ConnectionIndicator(): ReactElement {
  const status = useStatus();
  const trigger = (props: PopoverTriggerProps): ReactElement => (
    <button
      {...props}
      type="button"
      data-testid="connection-indicator"
      data-state={status.connection}
      className="flex h-8 min-w-0 items-center gap-2 rounded-md border bg-bg px-2.5 text-[13px] transition-colors hover:border-line-strong"
    >
      <Dot tone={TONES[status.connection]} pulse={status.connection === "online"} />
      <span role="status" className={classes("truncate font-medium", TEXT[status.connection])}>
        {status.label}
      </span>
      <span className="num hidden text-xs text-muted md:inline">
        <LastMessageAge />
      </span>
    </button>
  );
  return (
    <Popover trigger={trigger} label="Connection">
      <Details />
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

function Details(): ReactElement {
  const status = useStatus();
  return (
    <div className="divide-y text-[13px]">
      <div className="px-4 py-3">
        <p className={classes("font-semibold", TEXT[status.connection])}>{status.label}</p>
        {status.detail !== "" && <p className="mt-0.5 text-muted">{status.detail}</p>}
        <NextTry />
      </div>
      <ConnectionRows />
    </div>
  );
}

/** Broker, API and services, each with its own state. */
export function ConnectionRows(): ReactElement {
  const engine = useEngine();
  const api = useValue(engine.api.state);
  const ignored = useValue(engine.inbox.ignored);
  const status = useStatus();
  return (
    <dl className="grid gap-2 px-4 py-3 text-[13px]">
      <Row label="Broker" tone={TONES[status.connection]}>
        {status.connection === "online" ? "Connected" : status.connection === "syncing" ? "Connecting" : "Not connected"}
      </Row>
      <Row label="API" tone={api === "ok" ? "ok" : api === "unknown" ? "idle" : "down"}>
        {API_WORDS[api]}
      </Row>
      <ServiceRows />
      <Row label="Last message">
        <LastMessageTime />
      </Row>
      {ignored.count > 0 && (
        <Row label="Ignored messages" tone="warn">
          <span title={ignored.last}>{formatCount(ignored.count)}</span>
        </Row>
      )}
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

function Row({ label, tone, children }: { readonly label: string; readonly tone?: Tone; readonly children: ReactNode }): ReactElement {
  return (
    <div className="flex items-center justify-between gap-3">
      <dt className="truncate text-muted">{label}</dt>
      <dd className="flex items-center gap-2 whitespace-nowrap">
        {children}
        {tone !== undefined && <Dot tone={tone} />}
      </dd>
    </div>
  );
}
