"use client";

import type { ReactElement } from "react";

import { Button } from "@/components/ui/button";
import type { Column } from "@/components/ui/data-table";
import { Dialog, DialogBody, DialogFooter } from "@/components/ui/dialog";
import { Panel } from "@/components/ui/panel";
import { RowButton } from "@/components/ui/row-button";
import { ChangeSummary, DifferenceTable, Facts, Mono } from "@/features/logs/details";
import { differences, documentText } from "@/features/logs/differences";
import { CodeFilter, DeviceFilter, FilterBar, PersonFilter } from "@/features/logs/filter-bar";
import { auditQuery, useLogAddress, useLogPath, type Filters } from "@/features/logs/filters";
import { LogList } from "@/features/logs/log-list";
import { Moment } from "@/features/logs/moment";
import { ACTIONS, actionText, auditRecord, kindText, KINDS, textIn } from "@/features/logs/words";
import { auditEntry, type AuditEntry } from "@/lib/api/logs";
import { formatDateTime } from "@/lib/values/format";
import { principalText } from "@/lib/values/principal";

/** Who did what, with the state before and after. */
export function AuditTab(): ReactElement {
  const { filters, isFiltered, set, clear } = useLogAddress();
  const path = useLogPath("audit", filters, auditQuery(filters));
  return (
    <Panel aria-label="Audit log">
      <FilterBar {...{ filters, isFiltered }} onSet={set} onClear={clear}>
        <PersonFilter filters={filters} onSet={set} />
        <DeviceFilter filters={filters} onSet={(changes) => set({ ...changes, kind: "" })} />
        <CodeFilter name="kind" label="Kind of record" any="Every record" codes={KINDS} filters={filters} onSet={(changes) => set({ ...changes, device: "", record: "" })} />
        <CodeFilter name="action" label="Action" any="Every action" codes={ACTIONS} filters={filters} onSet={set} />
      </FilterBar>
      <LogList
        label="audit log"
        path={path}
        read={auditEntry}
        columns={columnsOf}
        rowTestId="audit-row"
        {...{ isFiltered }}
        onClear={clear}
        emptyTitle="Nothing has been done yet"
        emptyText="Sign-ins, changes and commands stand here as soon as there are some."
        details={(entry, onClose) => <AuditDetails entry={entry} onClose={onClose} onFilter={set} />}
      />
    </Panel>
  );
}

function columnsOf(onOpen: (entry: AuditEntry) => void): readonly Column<AuditEntry>[] {
  return [
    { key: "at", header: "When", cell: ({ at }) => <Moment at={at} /> },
    { key: "who", header: "Who", wrap: true, hiddenBelow: "sm", cell: ({ actor }) => <span className="break-all">{principalText(actor)}</span> },
    {
      key: "what",
      header: "What",
      wrap: true,
      cell: (entry) => (
        <span className="grid gap-0.5">
          <RowButton testId="open-entry" onOpen={() => onOpen(entry)}>
            {actionText(entry.action)}
          </RowButton>
          <span className="text-xs break-words text-muted">{auditRecord(entry)}</span>
          <span className="text-xs text-faint sm:hidden">{principalText(entry.actor)}</span>
        </span>
      ),
    },
    { key: "change", header: "Change", wrap: true, hiddenBelow: "md", cell: (entry) => <ChangeSummary rows={summed(entry)} /> },
    { key: "address", header: "From", hiddenBelow: "lg", cell: ({ address }) => address ?? <span className="text-faint">–</span> },
  ];
}

/** What changed; of what changes nothing, what it says of itself. */
function summed({ before, after, detail }: AuditEntry): ReturnType<typeof differences> {
  return before === null && after === null ? differences(null, detail) : differences(before, after);
}

interface AuditDetailsProps {
  readonly entry: AuditEntry;
  readonly onClose: () => void;
  readonly onFilter: (changes: Partial<Filters>) => void;
}

function AuditDetails({ entry, onClose, onFilter }: AuditDetailsProps): ReactElement {
  const rows = differences(entry.before, entry.after);
  const command = textIn(entry.detail, "command_id");
  const filter = (changes: Partial<Filters>): void => {
    onClose();
    onFilter(changes);
  };
  return (
    <Dialog open wide onClose={onClose} title={`${actionText(entry.action)}${entry.entityType === "" ? "" : `: ${auditRecord(entry)}`}`}>
      <DialogBody>
        <Facts
          facts={[
            ["When", formatDateTime(entry.at)],
            ["Who", principalText(entry.actor)],
            ["From", entry.address],
            ["Record", entry.entityType === "" ? null : kindText(entry.entityType)],
            ["Its id", entry.entityId === "" ? null : <Mono>{entry.entityId}</Mono>],
            ["Action", <Mono key="action">{entry.action}</Mono>],
          ]}
        />
        {rows.length > 0 && <DifferenceTable rows={rows} labels={["Before", "After"]} />}
        {entry.detail !== null && <Facts facts={differences(null, entry.detail).map(({ name, after }) => [name, <Mono key={name}>{after ?? documentText(null)}</Mono>] as const)} />}
      </DialogBody>
      <DialogFooter>
        {command !== null && <Button onClick={() => filter({ command, who: "", device: "", kind: "", record: "", action: "" })}>All of this command</Button>}
        {entry.entityId !== "" && <Button onClick={() => filter({ kind: entry.entityType, record: entry.entityId, device: "" })}>All about this record</Button>}
        <Button onClick={() => filter({ who: principalText(entry.actor) === "the system" ? "system" : entry.actor.replace(/^user:/u, "") })}>All by {principalText(entry.actor)}</Button>
      </DialogFooter>
    </Dialog>
  );
}
