"use client";

import type { ReactElement } from "react";

import type { Column } from "@/components/ui/data-table";
import { Dialog, DialogBody } from "@/components/ui/dialog";
import { Panel } from "@/components/ui/panel";
import { RowButton } from "@/components/ui/row-button";
import { Tag } from "@/components/ui/tag";
import { ChangeSummary, DifferenceTable, Facts, Mono, type Looks } from "@/features/logs/details";
import { differences, documentText } from "@/features/logs/differences";
import { CodeFilter, DeviceFilter, FilterBar, PersonFilter } from "@/features/logs/filter-bar";
import { syncQuery, useLogAddress, useLogPath } from "@/features/logs/filters";
import { LogList } from "@/features/logs/log-list";
import { Moment } from "@/features/logs/moment";
import { visibleText } from "@/features/logs/visible";
import { kindText, KINDS, reasonParts, syncRecord } from "@/features/logs/words";
import { SYNC_STATUSES, syncEntry, type SyncEntry, type SyncStatus } from "@/lib/api/logs";
import { formatDateTime } from "@/lib/values/format";
import { principalText } from "@/lib/values/principal";

const WORDS: Readonly<Record<SyncStatus, string>> = { APPLIED: "Applied", CONFLICT: "Conflict", REFUSED: "Refused", FAILED: "Failed" };
const TONES = { APPLIED: "plain", CONFLICT: "warn", REFUSED: "down", FAILED: "down" } as const;
const STATUSES = SYNC_STATUSES.map((each) => [each, WORDS[each]] as const);
/** The change that replaced what its author had not seen; in every other conflict the present value stood. */
const OVERTOOK = "OVERTOOK";
const WEB = "web";
const IN_FORCE = "In force";
const COUNTS = "bg-ok/10";

/** What became of each change of people, roles, permissions and settings; conflicts with both values. */
export function SyncTab(): ReactElement {
  const { filters, isFiltered, set, clear } = useLogAddress();
  const path = useLogPath("sync", filters, syncQuery(filters));
  return (
    <Panel aria-label="Sync log">
      <FilterBar {...{ filters, isFiltered }} onSet={set} onClear={clear}>
        <CodeFilter name="status" label="Status" any="Every status" codes={STATUSES} filters={filters} onSet={set} />
        <PersonFilter filters={filters} onSet={set} />
        <DeviceFilter filters={filters} onSet={set} />
        <CodeFilter name="kind" label="Kind of record" any="Every record" codes={KINDS} filters={filters} onSet={(changes) => set({ ...changes, record: "" })} />
      </FilterBar>
      <LogList
        label="sync log"
        path={path}
        read={syncEntry}
        columns={columnsOf}
        rowTestId="sync-row"
        {...{ isFiltered }}
        onClear={clear}
        emptyTitle="Nothing has been changed yet"
        emptyText="Every change of people, roles, permissions and settings stands here, whether made on the web or on a desktop."
        details={(entry, onClose) => <SyncDetails entry={entry} onClose={onClose} />}
      />
    </Panel>
  );
}

function columnsOf(onOpen: (entry: SyncEntry) => void): readonly Column<SyncEntry>[] {
  return [
    { key: "at", header: "When", cell: ({ at }) => <Moment at={at} /> },
    { key: "status", header: "Status", cell: ({ status }) => <StatusTag status={status} /> },
    {
      key: "record",
      header: "Record",
      wrap: true,
      cell: (entry) => (
        <span className="grid gap-0.5">
          <RowButton testId="open-entry" onOpen={() => onOpen(entry)}>
            <span className="break-words">{syncRecord(entry)}</span>
          </RowButton>
          <span className="text-xs text-muted">
            {kindText(entry.entityType)}, {entry.action}
          </span>
        </span>
      ),
    },
    { key: "values", header: "Values", wrap: true, hiddenBelow: "md", cell: (entry) => <Values entry={entry} /> },
    { key: "by", header: "By", wrap: true, hiddenBelow: "lg", cell: (entry) => <span className="break-words">{byText(entry)}</span> },
    { key: "reason", header: "Reason", wrap: true, hiddenBelow: "xl", cell: ({ reason }) => <span className="line-clamp-2 text-xs">{reason === null ? "" : visibleText(reasonParts(reason).message)}</span> },
  ];
}

function StatusTag({ status }: { readonly status: string }): ReactElement {
  const known = SYNC_STATUSES.find((each) => each === status);
  return known === undefined ? <Tag>{status}</Tag> : <Tag tone={TONES[known]}>{WORDS[known]}</Tag>;
}

function byText({ by, source }: SyncEntry): string {
  const who = by === "" ? "" : principalText(by);
  const where = source === WEB ? "on the web" : `on ${source.replace("desktop:", "")}`;
  return who === "" ? where : `${who}, ${where}`;
}

/** What the two values of a conflict became. */
function sidesOf({ reason }: SyncEntry): readonly [string, string] {
  return reasonParts(reason ?? "").code === OVERTOOK ? ["Replaced", IN_FORCE] : [IN_FORCE, "Not taken"];
}

/** What counts stands out. */
function looksOf(entry: SyncEntry): Looks {
  return sidesOf(entry)[0] === IN_FORCE ? [COUNTS, ""] : ["", COUNTS];
}

function Values({ entry }: { readonly entry: SyncEntry }): ReactElement {
  if (entry.status !== "CONFLICT") {
    return <ChangeSummary rows={differences(entry.oldValue, entry.newValue)} />;
  }
  const [left, right] = sidesOf(entry);
  return (
    <span className="grid max-w-xl grid-cols-2 gap-3 text-xs">
      <Side title={left} value={entry.oldValue} testId="conflict-old" />
      <Side title={right} value={entry.newValue} testId="conflict-new" />
    </span>
  );
}

function Side({ title, value, testId }: { readonly title: string; readonly value: unknown; readonly testId: string }): ReactElement {
  return (
    <span data-testid={testId} className="min-w-0">
      <span className="block text-faint">{title}</span>
      {differences(null, value).map(({ name, after }) => (
        <span key={name} className="line-clamp-2 wrap-anywhere">
          <span className="text-muted">{name}: </span>
          {after ?? documentText(null)}
        </span>
      ))}
    </span>
  );
}

function SyncDetails({ entry, onClose }: { readonly entry: SyncEntry; readonly onClose: () => void }): ReactElement {
  const rows = differences(entry.oldValue, entry.newValue);
  const reason = reasonParts(entry.reason ?? "");
  return (
    <Dialog open wide onClose={onClose} title={`${kindText(entry.entityType)}: ${syncRecord(entry)}`}>
      <DialogBody>
        <Facts
          facts={[
            ["When", formatDateTime(entry.at)],
            ["Status", <StatusTag key="status" status={entry.status} />],
            ["Reason", visibleText(reason.message)],
            ["Its code", reason.code === "" ? null : <Mono>{reason.code}</Mono>],
            ["Change", entry.action],
            ["By", byText(entry)],
            ["Record's id", <Mono key="id">{visibleText(entry.entityId)}</Mono>],
            ["Change's id", entry.changeId === null ? null : <Mono>{entry.changeId}</Mono>],
          ]}
        />
        {rows.length > 0 && <DifferenceTable rows={rows} {...(entry.status === "CONFLICT" ? { labels: sidesOf(entry), looks: looksOf(entry) } : { labels: ["Before", "After"] as const })} />}
      </DialogBody>
    </Dialog>
  );
}
