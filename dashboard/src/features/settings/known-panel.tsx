"use client";

import { Pencil, RotateCcw } from "lucide-react";
import type { ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { DataTable, type Column } from "@/components/ui/data-table";
import { Panel, PanelHeader } from "@/components/ui/panel";
import { Tag } from "@/components/ui/tag";
import { inForce, type InForce } from "@/features/settings/applied";
import { HistoryLink } from "@/features/settings/history-link";
import { KNOWN, type KnownSetting } from "@/features/settings/known";
import { listOf, type Settings } from "@/features/settings/queries";
import { jsonText, valueText } from "@/features/settings/values";
import { WhoAndWhen } from "@/features/settings/who-and-when";
import type { Setting } from "@/lib/api/config";

interface KnownPanelProps {
  readonly settings: Settings;
  readonly device: string;
  readonly onEdit: (setting: KnownSetting) => void;
  readonly onReset: (setting: KnownSetting) => void;
  readonly onDevice: (device: string) => void;
}

export interface KnownRow {
  readonly setting: KnownSetting;
  /** What is set here; `undefined` when the value comes from elsewhere. */
  readonly here: Setting | undefined;
  readonly ofAll: InForce;
  readonly counts: InForce;
  /** Devices with a value of their own; only for all devices. */
  readonly ownOf: readonly string[];
}

export function knownRow(setting: KnownSetting, settings: Settings, device: string): KnownRow {
  const { key } = setting;
  const ofAll = settings.ofAll.get(key);
  const own = settings.own.get(key);
  return {
    setting,
    here: device === "" ? ofAll : own,
    ofAll: inForce(key, undefined, ofAll),
    counts: inForce(key, own, ofAll),
    ownOf: settings.ofEach.filter((each) => each.key === key).map((each) => each.device),
  };
}

/** The settings that devices know, with the value that counts and where it comes from. */
export function KnownPanel(props: KnownPanelProps): ReactElement {
  const { settings, device } = props;
  const rows = KNOWN.map((setting) => knownRow(setting, settings, device));
  return (
    <Panel aria-label="Settings that devices know">
      <PanelHeader title="Settings that devices know" />
      <DataTable label="settings that devices know" columns={columnsOf(props)} list={listOf(settings, rows)} rowKey={(row) => row.setting.key} rowTestId="setting-row" empty={null} />
    </Panel>
  );
}

function columnsOf({ device, onEdit, onReset, onDevice }: KnownPanelProps): readonly Column<KnownRow>[] {
  return [
    { key: "setting", header: "Setting", wrap: true, cell: ({ setting }) => <Name setting={setting} /> },
    { key: "value", header: "Value", wrap: true, cell: (row) => <Value row={row} device={device} onDevice={onDevice} /> },
    {
      key: "changed",
      header: "Changed",
      hiddenBelow: "lg",
      cell: ({ here, setting }) =>
        here === undefined ? (
          <span className="text-faint">–</span>
        ) : (
          <div className="grid gap-0.5">
            <WhoAndWhen setting={here} />
            <HistoryLink settingKey={setting.key} device={device} />
          </div>
        ),
    },
    {
      key: "actions",
      header: <span className="sr-only">Actions</span>,
      align: "right",
      cell: ({ here, setting }) => (
        <span className="inline-flex flex-wrap justify-end gap-1 sm:flex-nowrap">
          <Button size="small" aria-label={`Edit ${setting.label}`} data-testid="edit-setting" onClick={() => onEdit(setting)}>
            <Pencil aria-hidden className="size-3.5!" />
            <span className="max-sm:sr-only">Edit</span>
          </Button>
          {here !== undefined && (
            <Button size="small" aria-label={`Reset ${setting.label}`} data-testid="reset-setting" onClick={() => onReset(setting)}>
              <RotateCcw aria-hidden className="size-3.5!" />
              <span className="max-sm:sr-only">Reset</span>
            </Button>
          )}
        </span>
      ),
    },
  ];
}

function Name({ setting }: { readonly setting: KnownSetting }): ReactElement {
  const { rule } = setting;
  const bounds = rule.kind === "number" ? { "data-least": rule.least, "data-most": rule.most, "data-unit": rule.unit } : { "data-words": rule.words.map((each) => each.value).join(" ") };
  return (
    <div data-testid="setting-rule" data-default={rule.initial} {...bounds}>
      <p className="font-medium">{setting.label}</p>
      <p className="font-mono text-xs break-all text-muted">{setting.key}</p>
      <p className="mt-0.5 max-w-md text-xs leading-relaxed text-faint max-md:hidden">{setting.about}</p>
    </div>
  );
}

interface ValueProps {
  readonly row: KnownRow;
  readonly device: string;
  readonly onDevice: (device: string) => void;
}

function Value({ row: { setting, ofAll, counts, ownOf }, device, onDevice }: ValueProps): ReactElement {
  return (
    <div className="grid justify-items-start gap-1" data-testid="setting-counts" data-from={counts.from} data-value={jsonText(counts.value)}>
      <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <span className="text-[15px] font-semibold">{valueText(setting.key, counts.value)}</span>
        {counts.from === "default" && <Tag>default</Tag>}
        {device !== "" && counts.from === "all" && <Tag>of all devices</Tag>}
        {counts.from === "device" && <Tag tone="warn">own value</Tag>}
      </span>
      {counts.from === "device" && (
        <span data-testid="setting-of-all" className="text-xs text-muted">
          {ofAll.from === "default" ? "Default" : "All devices"}: {valueText(setting.key, ofAll.value)}
        </span>
      )}
      {ownOf.length > 0 && <OwnValues devices={ownOf} onDevice={onDevice} />}
    </div>
  );
}

const MOST_NAMED = 3;

/** Who does not follow the value of all devices. */
function OwnValues({ devices, onDevice }: { readonly devices: readonly string[]; readonly onDevice: (device: string) => void }): ReactElement {
  const more = devices.length - MOST_NAMED;
  return (
    <span data-testid="own-values" className="flex flex-wrap items-center gap-x-1.5 text-xs text-muted">
      Own value on
      {devices.slice(0, MOST_NAMED).map((each) => (
        <button key={each} type="button" onClick={() => onDevice(each)} className="text-accent underline underline-offset-2">
          {each}
        </button>
      ))}
      {more > 0 && <span>and {more} more</span>}
    </span>
  );
}
