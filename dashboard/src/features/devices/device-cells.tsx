"use client";

/** The cells of the list of devices; each follows its own device, so that a heartbeat redraws one row and not the list. */

import Link from "next/link";
import { type ReactElement } from "react";

import { Tag } from "@/components/ui/tag";
import { countText, missingText } from "@/features/devices/counts";
import { useAccount, useDeviceSettings } from "@/features/devices/device-queries";
import { BufferedCount, PresenceBadge } from "@/features/devices/presence";
import { isBehind } from "@/features/devices/settings-state";
import { useDevice, useJudgingTime, useNow, useOnScreen, usePresence } from "@/lib/engine/hooks";
import { formatAge, formatDateTime, formatInterval } from "@/lib/values/format";

interface CellProps {
  readonly clientId: string;
}

const ROW_MAY_BE_OLD_MS = 15_000;

export function detailAddress(clientId: string): string {
  return `/devices/detail/?id=${encodeURIComponent(clientId)}`;
}

export function NameCell({ clientId }: CellProps): ReactElement {
  const device = useDevice(clientId);
  return (
    <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
      <Link href={detailAddress(clientId)} prefetch={false} className="font-medium break-all underline-offset-4 hover:text-accent hover:underline">
        {clientId}
      </Link>
      {device?.revokedAt != null && (
        <Tag tone="down" title={`Revoked on ${formatDateTime(device.revokedAt)}`}>
          revoked
        </Tag>
      )}
    </span>
  );
}

export function PresenceCell({ clientId }: CellProps): ReactElement | null {
  const device = useDevice(clientId);
  const presence = usePresence();
  return device === null ? null : (
    <span data-testid="device-presence" data-presence={presence(device) ?? ""}>
      <PresenceBadge presence={presence(device)} />
    </span>
  );
}

export function BufferCell({ clientId }: CellProps): ReactElement | null {
  const device = useDevice(clientId);
  const at = useJudgingTime();
  return device === null ? null : <BufferedCount device={device} at={at} />;
}

export function HeardCell({ clientId }: CellProps): ReactElement {
  return <Heard at={useDevice(clientId)?.heardAt ?? null} />;
}

/** How long ago something was, with the time itself in the title. */
export function Heard({ at }: { readonly at: number | null }): ReactElement {
  const now = useNow();
  if (at === null || now === 0) {
    return <span className="text-faint">never</span>;
  }
  return <span title={formatDateTime(at)}>{formatAge(Math.max(0, now - at))}</span>;
}

export function VersionCell({ clientId }: CellProps): ReactElement {
  const version = useDevice(clientId)?.figures?.app_version ?? null;
  return version === null ? <span className="text-faint">–</span> : <span className="break-all">{version}</span>;
}

/** What the device has in force, and whether the newest change is among it. */
export function SettingsCell({ clientId }: CellProps): ReactElement {
  const [ref, onScreen] = useOnScreen<HTMLSpanElement>();
  const device = useDevice(clientId);
  const wanted = useDeviceSettings(clientId, onScreen && device?.revokedAt === null).data ?? null;
  const { sampling_interval_s: sampling = null, heartbeat_interval_s: beat = null } = device?.figures ?? {};
  const applied = device?.figures?.config_version ?? null;
  return (
    <span ref={ref} className="inline-flex items-center gap-2" data-testid="device-settings">
      {sampling === null || beat === null ? (
        <span className="text-faint">–</span>
      ) : (
        <span title={`In force: a sample every ${formatInterval(sampling)}, a heartbeat every ${formatInterval(beat)}`}>
          {formatInterval(sampling)} <span className="text-faint">/</span> {formatInterval(beat)}
        </span>
      )}
      {wanted !== null && device?.revokedAt === null && isBehind(applied, wanted.version) && (
        <Tag tone="warn" title={`The newest change is version ${String(wanted.version)}; the device has ${applied === null ? "not said what it has" : `version ${applied}`}.`}>
          not yet applied
        </Tag>
      )}
    </span>
  );
}

/** `0 missing of 1,204,331`, asked for when the row is on the screen; the holes are named on the device's page. */
export function IntegrityCell({ clientId }: CellProps): ReactElement {
  const [ref, onScreen] = useOnScreen<HTMLSpanElement>();
  const { data, failureReason } = useAccount(clientId, { wanted: onScreen, mayBeOldMs: ROW_MAY_BE_OLD_MS });
  return (
    <span ref={ref} data-testid="device-integrity">
      {data === undefined ? (
        <span className="text-faint" title={failureReason?.message}>
          {failureReason === null ? "…" : "not known"}
        </span>
      ) : data.produced === 0n ? (
        <span className="text-faint">no readings yet</span>
      ) : data.missing > 0n ? (
        <Link href={`${detailAddress(clientId)}#integrity`} prefetch={false} className="text-down underline underline-offset-4">
          {missingText(data)}
        </Link>
      ) : (
        <span title={`${countText(data.archived)} archived, ${countText(data.onDevice)} on the device`}>{missingText(data)}</span>
      )}
    </span>
  );
}
