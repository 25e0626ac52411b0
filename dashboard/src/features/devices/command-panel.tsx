"use client";

import { useQuery } from "@tanstack/react-query";
import { RefreshCw, RotateCw, SlidersHorizontal, type LucideIcon } from "lucide-react";
import { useEffect, useState, type ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { Panel, PanelHeader } from "@/components/ui/panel";
import { Select } from "@/components/ui/select";
import { auditedCommands, joinCommands, type CommandLog, type CommandRow } from "@/features/devices/command-log";
import { sendCommand } from "@/features/devices/command-sender";
import { CommandStage } from "@/features/devices/command-stage";
import { useAllowed } from "@/features/shell/allowed";
import { useDevice, useEngine, useNow, usePerson, usePresence, usePresenceOf, useValue } from "@/lib/engine/hooks";
import type { CommandName } from "@/lib/store/commands";
import type { Device } from "@/lib/store/devices";
import { formatClock, formatDateTime } from "@/lib/values/format";

interface Offer {
  readonly command: CommandName;
  readonly permission: string;
  readonly label: string;
  readonly does: string;
  readonly icon: LucideIcon;
}

const OFFERS: readonly Offer[] = [
  { command: "FORCE_SYNC", permission: "FORCE_SYNC", label: "Force sync", does: "Deliver now what waits on the device, and ask the server for what it has missed.", icon: RefreshCw },
  { command: "UPDATE_CONFIG", permission: "EDIT_CONFIG", label: "Update settings", does: "Fetch the newest settings and apply them.", icon: SlidersHorizontal },
  { command: "RELOAD", permission: "EDIT_CONFIG", label: "Reload", does: "Read the settings again and restart the sources, without ending the program.", icon: RotateCw },
];
const NAMES = new Map<string, string>(OFFERS.map((each) => [each.command, each.label]));

const LIVES = [
  { value: "10", label: "10 seconds" },
  { value: "60", label: "1 minute" },
  { value: "600", label: "10 minutes" },
  { value: "3600", label: "1 hour" },
  { value: "86400", label: "24 hours" },
] as const;
type LifeS = (typeof LIVES)[number]["value"];

const NOTHING: CommandLog = { commands: [], results: [] };

/** Commands to one device with what became of them. Offered to those who may give one; the list to those who may read the log. */
export function CommandPanel({ device }: { readonly device: Device }): ReactElement | null {
  const mayForce = useAllowed("FORCE_SYNC");
  const mayEdit = useAllowed("EDIT_CONFIG");
  const mayRead = useAllowed("VIEW_LOGS");
  if (!mayForce && !mayEdit && !mayRead) {
    return null;
  }
  return (
    <Panel aria-label="Commands" data-testid="commands">
      <PanelHeader title="Commands" />
      {(mayForce || mayEdit) && <Offers device={device} />}
      <LatestCommands clientId={device.clientId} mayRead={mayRead} />
    </Panel>
  );
}

function Offers({ device }: { readonly device: Device }): ReactElement {
  const [life, setLife] = useState<LifeS>("60");
  const { permissions } = usePerson();
  const presence = usePresenceOf(device);
  const online = useValue(useEngine().linkState).phase === "online";
  if (device.revokedAt !== null) {
    return <div className="border-b p-4 text-[13px] text-muted">A revoked device takes no commands. Enroll it again first.</div>;
  }
  return (
    <div className="grid gap-3 border-b p-4">
      <ul className="grid gap-2">
        {OFFERS.filter((each) => permissions.has(each.permission)).map((offer) => (
          <Offered key={offer.command} offer={offer} clientId={device.clientId} lifeS={Number(life)} ready={online} />
        ))}
      </ul>
      <div className="max-w-48">
        <Select<LifeS> label="Void after" showLabel value={life} choices={LIVES} onChoose={setLife} testId="command-life" />
      </div>
      {!online && <Notice tone="warn">Commands go over the broker, and this browser is not connected to it at the moment.</Notice>}
      {online && presence === "OFFLINE" && (
        <Notice tone="warn">The device is away. A command is kept for it until it is void; choose how long that may be.</Notice>
      )}
    </div>
  );
}

interface OfferedProps {
  readonly offer: Offer;
  readonly clientId: string;
  readonly lifeS: number;
  readonly ready: boolean;
}

function Offered({ offer: { command, label, does, icon: Icon }, clientId, lifeS, ready }: OfferedProps): ReactElement {
  const engine = useEngine();
  const person = usePerson();
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1">
      <Button
        className="w-40"
        disabled={!ready}
        aria-describedby={`does-${command}`}
        onClick={() => void sendCommand(engine, person, clientId, command, lifeS * 1_000)}
        data-testid={`send-${command}`}
      >
        <Icon aria-hidden />
        {label}
      </Button>
      <span id={`does-${command}`} className="min-w-40 flex-1 text-xs leading-relaxed text-muted">
        {does}
      </span>
    </li>
  );
}

interface LatestProps {
  readonly clientId: string;
  readonly mayRead: boolean;
}

/** How long after the last event the log has it for certain. */
const LOGGED_AFTER_MS = 700;

function useCommandLog(clientId: string, mayRead: boolean): { readonly log: CommandLog; readonly trouble: string; readonly again: () => void } {
  const { api, commands } = useEngine();
  const events = useValue(commands.sent).filter((each) => each.delivery === "sent").length + useValue(commands.answers).length;
  const { data, failureReason, refetch } = useQuery({
    queryKey: ["/logs/audit", "commands", clientId],
    queryFn: () => auditedCommands(api.send, api.toLocal, clientId),
    enabled: mayRead,
  });
  useEffect(() => {
    if (events === 0 || !mayRead) {
      return;
    }
    const timer = setTimeout(() => void refetch(), LOGGED_AFTER_MS);
    return () => clearTimeout(timer);
  }, [events, mayRead, refetch]);
  return { log: data ?? NOTHING, trouble: failureReason?.message ?? "", again: () => void refetch() };
}

function LatestCommands({ clientId, mayRead }: LatestProps): ReactElement {
  const { commands } = useEngine();
  const { log, trouble, again } = useCommandLog(clientId, mayRead);
  const sent = useValue(commands.sent).filter((each) => each.clientId === clientId);
  const answers = useValue(commands.answers).filter((each) => each.clientId === clientId);
  const rows = joinCommands(log, sent, answers);
  return (
    <>
      {trouble !== "" && (
        <div className="p-3">
          <Notice tone="down" action={<Button size="small" onClick={again}>Try again</Button>}>
            The latest commands could not be read. {trouble}
          </Notice>
        </div>
      )}
      {rows.length === 0 ? (
        <p className="px-4 py-5 text-[13px] text-muted">{mayRead ? "No command was given to this device yet." : "Commands that you give here are listed with what became of them."}</p>
      ) : (
        <ul aria-label="Latest commands" className="max-h-96 divide-y overflow-y-auto">
          {rows.map((row) => (
            <CommandEntry key={row.commandId} row={row} clientId={clientId} />
          ))}
        </ul>
      )}
    </>
  );
}

function personOf(by: string): string {
  return by.startsWith("user:") ? by.slice("user:".length) : by;
}

function CommandEntry({ row, clientId }: { readonly row: CommandRow; readonly clientId: string }): ReactElement {
  const now = useNow();
  const device = useDevice(clientId);
  const presence = usePresence();
  return (
    <li data-testid="command" data-command={row.command} data-command-id={row.commandId} className="grid gap-1 px-4 py-2.5 text-[13px]">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="font-medium">{NAMES.get(row.command) ?? row.command}</span>
        <CommandStage row={row} presence={device === null ? null : presence(device)} now={now} />
        <time dateTime={new Date(row.at).toISOString()} title={formatDateTime(row.at)} className="num ml-auto text-xs text-muted">
          {formatClock(row.at)}
        </time>
      </div>
      <p className="text-xs text-faint" data-testid="command-by">
        {row.by === null ? "just now, from here" : `by ${personOf(row.by)}`}
      </p>
    </li>
  );
}
