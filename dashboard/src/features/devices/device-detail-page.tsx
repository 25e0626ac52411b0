"use client";

import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, Download, KeyRound, Server, ShieldOff } from "lucide-react";
import Link from "next/link";
import { useSearchParams } from "next/navigation";
import { lazy, Suspense, useState, type ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { Page } from "@/components/ui/page";
import { Empty, Panel, Skeleton } from "@/components/ui/panel";
import { Tag } from "@/components/ui/tag";
import { BufferPanel } from "@/features/devices/buffer-panel";
import { CommandPanel } from "@/features/devices/command-panel";
import { Heard } from "@/features/devices/device-cells";
import { useFreshDevices } from "@/features/devices/device-queries";
import { IntegrityPanel } from "@/features/devices/integrity-panel";
import { MetricsPanel } from "@/features/devices/metrics-panel";
import { PresenceBadge } from "@/features/devices/presence";
import { SettingsPanel } from "@/features/devices/settings-panel";
import { Allowed, useAllowed } from "@/features/shell/allowed";
import { oneDevice } from "@/lib/api/devices";
import { ApiProblem } from "@/lib/api/problem";
import { useDevice, useEngine, usePresenceOf } from "@/lib/engine/hooks";
import type { Device } from "@/lib/store/devices";
import { formatDateTime } from "@/lib/values/format";

// Dialogs arrive when one is first opened, so that the page itself has room.
const EnrollDialog = lazy(async () => ({ default: (await import("@/features/devices/enroll-dialog")).EnrollDialog }));
const ExportDialog = lazy(async () => ({ default: (await import("@/features/devices/export-dialog")).ExportDialog }));
const RevokeDialog = lazy(async () => ({ default: (await import("@/features/devices/revoke-dialog")).RevokeDialog }));

/** One device, named by `?id=` in the address. */
export function DeviceDetailPage(): ReactElement {
  const clientId = useSearchParams().get("id") ?? "";
  return (
    <Allowed permissions={["VIEW_DASHBOARD"]}>
      <Detail key={clientId} clientId={clientId} />
    </Allowed>
  );
}

function Detail({ clientId }: { readonly clientId: string }): ReactElement {
  const { api } = useEngine();
  const device = useDevice(clientId);
  useFreshDevices();
  const found = useQuery({
    queryKey: ["/devices", "one", clientId],
    queryFn: () => oneDevice(api.send, api.toLocal, clientId),
    enabled: device === null && clientId !== "",
  });
  const shown = device ?? found.data ?? null;
  if (shown !== null) {
    return <Found device={shown} />;
  }
  const failure = found.failureReason;
  if (clientId === "" || (failure instanceof ApiProblem && failure.status === 404)) {
    return <Unknown clientId={clientId} />;
  }
  return failure === null ? (
    <Loading />
  ) : (
    <Page title={clientId}>
      <Notice tone="down" action={<Button size="small" onClick={() => void found.refetch()}>Try again</Button>}>
        {failure.message}
      </Notice>
    </Page>
  );
}

function Loading(): ReactElement {
  return (
    <div role="status" className="mx-auto grid max-w-[1600px] gap-4">
      <span className="sr-only">Loading the device</span>
      <Skeleton className="h-12 max-w-96" />
      <Skeleton className="h-96" />
    </div>
  );
}

function Unknown({ clientId }: { readonly clientId: string }): ReactElement {
  return (
    <Panel data-testid="unknown-device" className="mx-auto max-w-[1600px] pb-10 text-center">
      <h1 className="sr-only">Unknown device</h1>
      <Empty icon={<Server aria-hidden />} title={clientId === "" ? "No device is named in the address" : "No such device is enrolled"}>
        {clientId === "" ? "Choose one from the list." : <span className="break-all">Nobody has ever enrolled {clientId.slice(0, 80)} here. Look at its name again, or choose it from the list.</span>}
      </Empty>
      <Link href="/devices/" prefetch={false} className="text-[13px] font-medium text-accent underline underline-offset-4">
        All devices
      </Link>
    </Panel>
  );
}

type Opened = "none" | "export" | "enroll" | "revoke";

function Found({ device }: { readonly device: Device }): ReactElement {
  const [opened, setOpened] = useState<Opened>("none");
  const close = (): void => setOpened("none");
  const { clientId } = device;
  return (
    <div data-testid="device-detail" data-client-id={clientId}>
      <Page title={clientId} lead={<Lead device={device} />} actions={<Actions device={device} onOpen={setOpened} />}>
        {device.revokedAt !== null && (
          <Notice tone="down">
            This device was revoked on {formatDateTime(device.revokedAt)}. It gets no tokens and cannot connect until it is enrolled again; what it delivered stays.
          </Notice>
        )}
        <div className="grid gap-4 xl:grid-cols-[minmax(0,1fr)_minmax(0,420px)] min-[2000px]:grid-cols-[minmax(0,1fr)_minmax(0,520px)]">
          <div className="grid min-w-0 content-start gap-4 xl:order-last">
            <IntegrityPanel device={device} />
            <CommandPanel device={device} />
          </div>
          <div className="grid min-w-0 content-start gap-4">
            <MetricsPanel clientId={clientId} />
            <div className="grid min-w-0 content-start gap-4 lg:grid-cols-2">
              <BufferPanel device={device} />
              <SettingsPanel device={device} />
            </div>
          </div>
        </div>
      </Page>
      <Suspense>
        {opened === "export" && <ExportDialog clientId={clientId} onClose={close} />}
        {opened === "enroll" && <EnrollDialog clientId={clientId} onClose={close} />}
        {opened === "revoke" && <RevokeDialog clientId={clientId} onClose={close} />}
      </Suspense>
    </div>
  );
}

function Lead({ device }: { readonly device: Device }): ReactElement {
  const presence = usePresenceOf(device);
  const version = device.figures?.app_version ?? null;
  return (
    <span className="flex flex-wrap items-center gap-x-4 gap-y-1">
      <Link href="/devices/" prefetch={false} className="inline-flex items-center gap-1 text-accent underline-offset-4 hover:underline">
        <ArrowLeft aria-hidden className="size-3.5" />
        All devices
      </Link>
      <span data-testid="detail-presence" data-presence={presence ?? ""}>
        <PresenceBadge presence={presence} />
      </span>
      {device.revokedAt !== null && <Tag tone="down">revoked</Tag>}
      <span className="num">
        heard <Heard at={device.heardAt} />
      </span>
      {version !== null && <span className="break-all">version {version}</span>}
      {device.enrolledAt !== null && <span className="num">enrolled {formatDateTime(device.enrolledAt)}</span>}
    </span>
  );
}

function Actions({ device, onOpen }: { readonly device: Device; readonly onOpen: (what: Opened) => void }): ReactElement {
  const mayManage = useAllowed("MANAGE_DEVICES");
  return (
    <>
      <Button onClick={() => onOpen("export")} data-testid="export">
        <Download aria-hidden />
        Export
      </Button>
      {mayManage && (
        <Button onClick={() => onOpen("enroll")} data-testid="enroll-again">
          <KeyRound aria-hidden />
          Enroll again
        </Button>
      )}
      {mayManage && device.revokedAt === null && (
        <Button tone="danger" onClick={() => onOpen("revoke")} data-testid="revoke">
          <ShieldOff aria-hidden />
          Revoke
        </Button>
      )}
    </>
  );
}
