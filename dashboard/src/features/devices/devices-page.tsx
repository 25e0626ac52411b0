"use client";

import { Plus, Search, Server } from "lucide-react";
import { lazy, Suspense, useState, type ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Choice } from "@/components/ui/choice";
import { DataTable, type Column } from "@/components/ui/data-table";
import { Input } from "@/components/ui/field";
import { Page } from "@/components/ui/page";
import { Empty, Panel } from "@/components/ui/panel";
import { BufferCell, HeardCell, IntegrityCell, NameCell, PresenceCell, SettingsCell, VersionCell } from "@/features/devices/device-cells";
import { countStates, matchingIds, type StateFilter } from "@/features/devices/device-list";
import { useFreshDevices, useReloadDevices } from "@/features/devices/device-queries";
import { Allowed, useAllowed } from "@/features/shell/allowed";
import { useEachSecond, useEngine, useJudgingTime, useValue } from "@/lib/engine/hooks";
import type { ListState } from "@/lib/query/hooks";

// Arrives when it is first opened, so that the page itself has room.
const EnrollDialog = lazy(async () => ({ default: (await import("@/features/devices/enroll-dialog")).EnrollDialog }));

interface Row {
  readonly clientId: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { key: "device", header: "Device", cell: (row) => <NameCell {...row} />, wrap: true },
  { key: "state", header: "State", cell: (row) => <PresenceCell {...row} /> },
  { key: "buffered", header: "Buffered", cell: (row) => <BufferCell {...row} />, align: "right" },
  { key: "integrity", header: "Integrity", cell: (row) => <IntegrityCell {...row} />, hiddenBelow: "sm" },
  { key: "settings", header: <span title="Sampling and heartbeat interval in force">Samples / heartbeat</span>, cell: (row) => <SettingsCell {...row} />, hiddenBelow: "md" },
  { key: "heard", header: "Heard", cell: (row) => <HeardCell {...row} />, hiddenBelow: "sm" },
  { key: "version", header: "Version", cell: (row) => <VersionCell {...row} />, hiddenBelow: "lg" },
];

/** Every enrolled device: presence, buffer, integrity, settings in force, version; and the way in for a new one. */
export function DevicesPage(): ReactElement {
  return (
    <Allowed permissions={["VIEW_DASHBOARD", "MANAGE_DEVICES"]}>
      <Devices />
    </Allowed>
  );
}

function Devices(): ReactElement {
  const mayManage = useAllowed("MANAGE_DEVICES");
  const mayView = useAllowed("VIEW_DASHBOARD");
  const [enrolling, setEnrolling] = useState(false);
  useFreshDevices();
  return (
    <Page
      title="Devices"
      lead="What is enrolled, how it is doing, and whether every reading of it has arrived."
      actions={
        mayManage && (
          <Button tone="primary" onClick={() => setEnrolling(true)} data-testid="enroll">
            <Plus aria-hidden />
            Enroll a device
          </Button>
        )
      }
    >
      {mayView ? <DeviceList onEnroll={mayManage ? () => setEnrolling(true) : null} /> : <NotShown />}
      <Suspense>{enrolling && <EnrollDialog clientId="" onClose={() => setEnrolling(false)} />}</Suspense>
    </Page>
  );
}

function NotShown(): ReactElement {
  return (
    <Panel>
      <Empty icon={<Server aria-hidden />} title="The list is not open to you">
        Seeing devices needs the permission VIEW_DASHBOARD. Enrolling works without it.
      </Empty>
    </Panel>
  );
}

/** The live store as a list of the administration pages. */
function useListOf(ids: readonly string[], known: boolean): ListState<Row> {
  const { refetcher, troubles } = useEngine();
  const loaded = useValue(refetcher.loaded);
  const trouble = useValue(troubles.all).find((each) => each.id === "api");
  const reload = useReloadDevices();
  return {
    items: ids.map((clientId) => ({ clientId })),
    phase: loaded || known ? "ready" : trouble === undefined ? "loading" : "error",
    trouble: loaded || known || trouble === undefined ? "" : trouble.text,
    hasMore: false,
    loadingMore: false,
    more: () => undefined,
    again: () => void reload().catch(() => undefined),
  };
}

const LABELS: Readonly<Record<StateFilter, string>> = { all: "All", online: "Online", syncing: "Syncing", offline: "Offline", revoked: "Revoked" };
const FILTERS = Object.keys(LABELS) as StateFilter[];

function DeviceList({ onEnroll }: { readonly onEnroll: (() => void) | null }): ReactElement {
  const engine = useEngine();
  const at = useJudgingTime();
  const [search, setSearch] = useState("");
  const [state, setState] = useState<StateFilter>("all");
  const total = useEachSecond(() => engine.devices.all().length);
  // As texts, so that the table is drawn anew only when another device belongs in it.
  const ids = useEachSecond(() => matchingIds(engine.devices.all(), search, state, at).join("\n"));
  const counts = useEachSecond(() => JSON.stringify(countStates(engine.devices.all(), at)));
  const list = useListOf(ids === "" ? [] : ids.split("\n"), total > 0);
  const filtered = search !== "" || state !== "all";
  return (
    <Panel aria-label="Devices">
      <div className="flex flex-wrap items-center gap-2 border-b px-3 py-2">
        <div className="relative min-w-40 flex-1 sm:max-w-xs">
          <Search aria-hidden className="pointer-events-none absolute top-2 left-2.5 size-4 text-faint" />
          <Input
            type="search"
            look="search"
            aria-label="Search by device or version"
            placeholder="Search by device or version"
            value={search}
            onChange={(event) => setSearch(event.target.value)}
            onKeyDown={(event) => event.key === "Escape" && setSearch("")}
            data-testid="device-search"
          />
        </div>
        <div className="max-w-full overflow-x-auto">
          <StateChoice state={state} counts={JSON.parse(counts) as Readonly<Record<StateFilter, number>>} onChoose={setState} />
        </div>
      </div>
      <DataTable
        label="Devices"
        columns={COLUMNS}
        list={list}
        rowKey={(row) => row.clientId}
        rowTestId="device-row"
        empty={filtered && total > 0 ? <NoMatch onClear={() => { setSearch(""); setState("all"); }} /> : <NoDevices onEnroll={onEnroll} />}
      />
    </Panel>
  );
}

interface StateChoiceProps {
  readonly state: StateFilter;
  readonly counts: Readonly<Record<StateFilter, number>>;
  readonly onChoose: (state: StateFilter) => void;
}

function StateChoice({ state, counts, onChoose }: StateChoiceProps): ReactElement {
  const choices = FILTERS.map((value) => ({ value, label: `${LABELS[value]} ${counts[value]}` }));
  return <Choice label="State" value={state} choices={choices} onChoose={onChoose} />;
}

function NoMatch({ onClear }: { readonly onClear: () => void }): ReactElement {
  return (
    <div className="grid justify-items-center gap-3 px-6 py-10 text-center text-[13px] text-muted" data-testid="no-match">
      <p>No device matches the search and the chosen state.</p>
      <Button onClick={onClear}>Show all devices</Button>
    </div>
  );
}

function NoDevices({ onEnroll }: { readonly onEnroll: (() => void) | null }): ReactElement {
  return (
    <div className="pb-10 text-center" data-testid="no-devices">
      <Empty icon={<Server aria-hidden />} title="No device is enrolled">
        {onEnroll === null
          ? "A device appears here as soon as somebody who may manage devices has let it in with a one-time code."
          : "Make a one-time code, give it to the device, and it appears here by itself."}
      </Empty>
      {onEnroll !== null && (
        <Button tone="primary" onClick={onEnroll}>
          <Plus aria-hidden />
          Enroll a device
        </Button>
      )}
    </div>
  );
}
