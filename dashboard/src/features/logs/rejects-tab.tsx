"use client";

import type { ReactElement } from "react";

import type { Column } from "@/components/ui/data-table";
import { Dialog, DialogBody } from "@/components/ui/dialog";
import { Panel } from "@/components/ui/panel";
import { RowButton } from "@/components/ui/row-button";
import { Tag } from "@/components/ui/tag";
import { Facts, Mono } from "@/features/logs/details";
import { DeviceFilter, FilterBar } from "@/features/logs/filter-bar";
import { rejectsQuery, useLogAddress, useLogPath } from "@/features/logs/filters";
import { LogList } from "@/features/logs/log-list";
import { Moment } from "@/features/logs/moment";
import { visibleText } from "@/features/logs/visible";
import { rejectEntry, type RejectEntry } from "@/lib/api/logs";
import { formatDateTime } from "@/lib/values/format";

/** Payloads that broke the contract, each with its reason. What devices sent is shown as text and nothing else. */
export function RejectsTab(): ReactElement {
  const { filters, isFiltered, set, clear } = useLogAddress();
  const path = useLogPath("rejects", filters, rejectsQuery(filters));
  return (
    <Panel aria-label="Rejected messages">
      <FilterBar {...{ filters, isFiltered }} onSet={set} onClear={clear}>
        <DeviceFilter filters={filters} onSet={set} />
      </FilterBar>
      <LogList
        label="rejected messages"
        path={path}
        read={rejectEntry}
        columns={columnsOf}
        rowTestId="reject-row"
        {...{ isFiltered }}
        onClear={clear}
        emptyTitle="No message was rejected"
        emptyText="A message that breaks the contract stands here with its reason. The others beside it are archived all the same."
        details={(entry, onClose) => <RejectDetails entry={entry} onClose={onClose} />}
      />
    </Panel>
  );
}

function columnsOf(onOpen: (entry: RejectEntry) => void): readonly Column<RejectEntry>[] {
  return [
    { key: "at", header: "When", cell: ({ receivedAt }) => <Moment at={receivedAt} /> },
    { key: "device", header: "Device", hiddenBelow: "sm", cell: ({ clientId }) => <DeviceName clientId={clientId} /> },
    {
      key: "reason",
      header: "Reason",
      wrap: true,
      cell: (entry) => (
        <span className="grid justify-items-start gap-1">
          <RowButton testId="open-entry" onOpen={() => onOpen(entry)}>
            <span className="line-clamp-3 break-words">{visibleText(entry.reason)}</span>
          </RowButton>
          <span className="text-xs break-all text-muted sm:hidden">
            <DeviceName clientId={entry.clientId} />
          </span>
          {entry.supersededAt !== null && <Superseded at={entry.supersededAt} />}
        </span>
      ),
    },
    { key: "topic", header: "Topic", wrap: true, hiddenBelow: "md", cell: ({ topic }) => <Mono>{visibleText(topic)}</Mono> },
    {
      key: "excerpt",
      header: "Excerpt",
      wrap: true,
      hiddenBelow: "lg",
      cell: ({ excerpt }) => (
        <span data-testid="excerpt" className="line-clamp-2 max-w-lg font-mono text-xs break-all text-muted">
          {visibleText(excerpt)}
        </span>
      ),
    },
  ];
}

function DeviceName({ clientId }: { readonly clientId: string | null }): ReactElement {
  return clientId === null ? <span className="text-faint">unknown</span> : <>{visibleText(clientId)}</>;
}

function Superseded({ at }: { readonly at: number }): ReactElement {
  return (
    <Tag tone="ok" title={`A valid copy of this reading was archived, ${formatDateTime(at)}.`}>
      valid copy archived
    </Tag>
  );
}

function RejectDetails({ entry, onClose }: { readonly entry: RejectEntry; readonly onClose: () => void }): ReactElement {
  return (
    <Dialog open wide onClose={onClose} title="Rejected message" description={visibleText(entry.reason)}>
      <DialogBody>
        <Facts
          facts={[
            ["Received", formatDateTime(entry.receivedAt)],
            ["Device", <DeviceName key="device" clientId={entry.clientId} />],
            ["Topic", <Mono key="topic">{visibleText(entry.topic)}</Mono>],
            ["Stream", entry.stream === null ? null : <Mono>{entry.stream}</Mono>],
            ["Number", entry.sequenceNo === null ? null : String(entry.sequenceNo)],
            ["Since then", entry.supersededAt === null ? null : <Superseded at={entry.supersededAt} />],
          ]}
        />
        <div>
          <p className="mb-1.5 text-[13px] text-muted">How it began</p>
          {/* A long excerpt is scrolled, and so must be reachable by keyboard. */}
          {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
          <pre data-testid="excerpt-whole" tabIndex={0} aria-label="Excerpt of the message" dir="ltr" className="max-h-80 overflow-auto rounded-md border bg-bg p-3 font-mono text-xs leading-relaxed break-all whitespace-pre-wrap">
            {entry.excerpt === "" ? "Nothing: the message was empty." : visibleText(entry.excerpt)}
          </pre>
        </div>
      </DialogBody>
    </Dialog>
  );
}
