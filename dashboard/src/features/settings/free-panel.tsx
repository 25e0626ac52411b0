"use client";

import { KeyRound, Pencil, Plus, Trash2 } from "lucide-react";
import type { ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { DataTable, type Column } from "@/components/ui/data-table";
import { Empty, Panel, PanelHeader } from "@/components/ui/panel";
import { Tag } from "@/components/ui/tag";
import { HistoryLink } from "@/features/settings/history-link";
import { knownSetting } from "@/features/settings/known";
import { listOf, type Settings } from "@/features/settings/queries";
import { jsonText, valueText } from "@/features/settings/values";
import { WhoAndWhen } from "@/features/settings/who-and-when";
import type { Setting } from "@/lib/api/config";

interface FreePanelProps {
  readonly settings: Settings;
  readonly device: string;
  readonly onAdd: () => void;
  readonly onEdit: (key: string) => void;
  readonly onDelete: (key: string) => void;
}

interface FreeRow {
  readonly key: string;
  readonly here: Setting | undefined;
  readonly ofAll: Setting | undefined;
}

function freeRows({ ofAll, own }: Settings, device: string): readonly FreeRow[] {
  const keys = new Set([...ofAll.keys(), ...own.keys()].filter((key) => knownSetting(key) === null));
  return [...keys].sort().map((key) => ({ key, here: device === "" ? ofAll.get(key) : own.get(key), ofAll: ofAll.get(key) }));
}

/** Settings with free keys, for the users' own programs. */
export function FreePanel(props: FreePanelProps): ReactElement {
  const { settings, device, onAdd } = props;
  return (
    <Panel aria-label="Settings of your own programs">
      <PanelHeader title="Settings of your own programs">
        <Button size="small" className="ml-auto" data-testid="add-setting" onClick={onAdd}>
          <Plus aria-hidden />
          Add a setting
        </Button>
      </PanelHeader>
      <DataTable
        label="settings of your own programs"
        columns={columnsOf(props)}
        list={listOf(settings, freeRows(settings, device))}
        rowKey={(row) => row.key}
        rowTestId="free-row"
        empty={
          <Empty icon={<KeyRound aria-hidden />} title="None yet">
            Any key and any value; devices mirror them, and programs beside them can read them there.
          </Empty>
        }
      />
    </Panel>
  );
}

function columnsOf({ device, onEdit, onDelete }: FreePanelProps): readonly Column<FreeRow>[] {
  return [
    { key: "key", header: "Key", wrap: true, cell: ({ key }) => <span className="font-mono text-xs break-all">{key}</span> },
    { key: "value", header: "Value", wrap: true, cell: (row) => <FreeValue row={row} device={device} /> },
    {
      key: "changed",
      header: "Changed",
      hiddenBelow: "lg",
      cell: ({ key, here }) =>
        here === undefined ? (
          <span className="text-faint">–</span>
        ) : (
          <div className="grid gap-0.5">
            <WhoAndWhen setting={here} />
            <HistoryLink settingKey={key} device={device} />
          </div>
        ),
    },
    {
      key: "actions",
      header: <span className="sr-only">Actions</span>,
      align: "right",
      cell: ({ key, here }) => (
        <span className="inline-flex flex-wrap justify-end gap-1 sm:flex-nowrap">
          <Button size="small" aria-label={`Edit ${key}`} data-testid="edit-setting" onClick={() => onEdit(key)}>
            <Pencil aria-hidden className="size-3.5!" />
            <span className="max-sm:sr-only">Edit</span>
          </Button>
          {here !== undefined && (
            <Button size="small" aria-label={`Delete ${key}`} data-testid="delete-setting" onClick={() => onDelete(key)}>
              <Trash2 aria-hidden className="size-3.5!" />
              <span className="max-sm:sr-only">Delete</span>
            </Button>
          )}
        </span>
      ),
    },
  ];
}

function FreeValue({ row: { key, here, ofAll }, device }: { readonly row: FreeRow; readonly device: string }): ReactElement {
  const counts = here ?? ofAll;
  const isOwn = device !== "" && here !== undefined;
  return (
    <div className="grid justify-items-start gap-1" data-testid="free-value" data-value={jsonText(counts?.value)}>
      <span className="line-clamp-4 max-w-md wrap-anywhere whitespace-pre-wrap">{valueText(key, counts?.value)}</span>
      {device !== "" && <Tag tone={isOwn ? "warn" : "plain"}>{isOwn ? "own value" : "of all devices"}</Tag>}
      {isOwn && ofAll !== undefined && <span className="text-xs text-muted">All devices: {valueText(key, ofAll.value)}</span>}
    </div>
  );
}
