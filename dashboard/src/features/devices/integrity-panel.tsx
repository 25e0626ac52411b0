"use client";

import { CircleAlert, CircleCheck } from "lucide-react";
import { useState, type ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { Panel, PanelHeader, Skeleton } from "@/components/ui/panel";
import { Tag } from "@/components/ui/tag";
import { countText, missingText, rangeText, shortStream } from "@/features/devices/counts";
import { useAccount } from "@/features/devices/device-queries";
import { Fact, Facts } from "@/features/devices/fact";
import type { DeviceAccount, NumberRange, StreamAccount } from "@/lib/api/devices";
import type { Device } from "@/lib/store/devices";

const MAY_BE_OLD_MS = 3_000;
const HOLES_AT_FIRST = 20;
const STREAMS_AT_FIRST = 5;

/** What became of every number that the device has ever claimed, and which are missing. */
export function IntegrityPanel({ device }: { readonly device: Device }): ReactElement {
  const { data, failureReason, refetch } = useAccount(device.clientId, { wanted: true, mayBeOldMs: MAY_BE_OLD_MS });
  return (
    <Panel aria-label="Integrity" id="integrity" data-testid="integrity">
      <PanelHeader title="Integrity">{data !== undefined && data.produced > 0n && <Headline account={data} />}</PanelHeader>
      {failureReason !== null && (
        <div className="p-3">
          <Notice tone="down" action={<Button size="small" onClick={() => void refetch()}>Try again</Button>}>
            {failureReason.message}
          </Notice>
        </div>
      )}
      {data === undefined ? failureReason === null && <Loading /> : <Account account={data} current={device.figures?.stream ?? null} />}
    </Panel>
  );
}

function Loading(): ReactElement {
  return (
    <div role="status" className="grid gap-2 p-4">
      <span className="sr-only">Loading integrity</span>
      <Skeleton className="h-9" />
      <Skeleton className="h-9" />
    </div>
  );
}

function Headline({ account }: { readonly account: DeviceAccount }): ReactElement {
  const whole = account.missing === 0n;
  const Icon = whole ? CircleCheck : CircleAlert;
  return (
    <span role="status" data-testid="integrity-headline" className={whole ? "num flex items-center gap-1.5 text-[13px] font-medium text-ok" : "num flex items-center gap-1.5 text-[13px] font-medium text-down"}>
      <Icon aria-hidden className="size-4" />
      {missingText(account)}
    </span>
  );
}

function Account({ account, current }: { readonly account: DeviceAccount; readonly current: string | null }): ReactElement {
  const { produced, archived, rejected, declaredLost, onDevice, missing, duplicates } = account;
  return (
    <>
      <Facts label="Totals over all streams">
        <Fact name="Produced" title="The numbers that the device has ever claimed" testId="total-produced">{countText(produced)}</Fact>
        <Fact name="Archived" tone="ok" testId="total-archived">{countText(archived)}</Fact>
        <Fact name="On the device" title="Claimed, and still held by the device" tone={onDevice > 0n ? "warn" : "plain"} testId="total-on-device">{countText(onDevice)}</Fact>
        <Fact name="Missing" title="Neither archived nor explained" tone={missing > 0n ? "down" : "plain"} testId="total-missing">{countText(missing)}</Fact>
        <Fact name="Rejected" title="Broke the contract; the log of rejected messages has each with its reason" tone={rejected > 0n ? "warn" : "plain"} testId="total-rejected">{countText(rejected)}</Fact>
        <Fact name="Declared lost" title="The device says itself that it has lost them" tone={declaredLost > 0n ? "warn" : "plain"} testId="total-lost">{countText(declaredLost)}</Fact>
        <Fact name="Duplicates" title="Delivered again, archived once" testId="total-duplicates">{countText(duplicates)}</Fact>
      </Facts>
      <Holes streams={account.streams} />
      <Streams streams={account.streams.toReversed()} current={current} />
    </>
  );
}

interface Hole {
  readonly stream: string;
  readonly range: NumberRange;
}

/** Every hole by its name. */
function Holes({ streams }: { readonly streams: readonly StreamAccount[] }): ReactElement | null {
  const [all, setAll] = useState(false);
  const holes = streams.flatMap(({ stream, missing }) => missing.map((range): Hole => ({ stream, range })));
  if (holes.length === 0) {
    return null;
  }
  const shown = all ? holes : holes.slice(0, HOLES_AT_FIRST);
  return (
    <div className="border-t px-4 py-3">
      <h3 className="text-xs font-medium text-down">Missing numbers, both ends included</h3>
      <ul className="mt-2 flex flex-wrap gap-1.5">
        {shown.map(({ stream, range }) => (
          <li key={`${stream}${rangeText(range)}`} data-testid="hole" title={`${countText(range[1] - range[0] + 1n)} of stream ${stream}`} className="num rounded border border-down/40 bg-down/10 px-1.5 py-0.5 font-mono text-xs">
            {rangeText(range)} <span className="text-muted">of {shortStream(stream)}</span>
          </li>
        ))}
      </ul>
      {shown.length < holes.length && (
        <Button size="small" tone="quiet" className="mt-2" onClick={() => setAll(true)}>
          Show all {holes.length}
        </Button>
      )}
    </div>
  );
}

interface StreamsProps {
  readonly streams: readonly StreamAccount[];
  readonly current: string | null;
}

function Streams({ streams, current }: StreamsProps): ReactElement | null {
  const [all, setAll] = useState(false);
  if (streams.length === 0) {
    return <p className="border-t px-4 py-4 text-[13px] text-muted">The device has not claimed any reading yet.</p>;
  }
  const shown = all ? streams : streams.slice(0, STREAMS_AT_FIRST);
  return (
    <div className="border-t">
      <h3 className="px-4 pt-3 text-xs font-medium text-muted">
        {streams.length === 1 ? "1 stream" : `${countText(BigInt(streams.length))} streams, newest first`}
      </h3>
      <ul className="divide-y">
        {shown.map((stream) => (
          <StreamEntry key={stream.stream} account={stream} isCurrent={stream.stream === current} />
        ))}
      </ul>
      {shown.length < streams.length && (
        <div className="border-t p-2 text-center">
          <Button size="small" tone="quiet" onClick={() => setAll(true)}>
            Show all {streams.length}
          </Button>
        </div>
      )}
    </div>
  );
}

function StreamEntry({ account, isCurrent }: { readonly account: StreamAccount; readonly isCurrent: boolean }): ReactElement {
  const missing = account.missing.reduce((sum, [first, last]) => sum + last - first + 1n, 0n);
  const parts: readonly (readonly [string, bigint, string])[] = [
    ["archived", account.archived, "text-ok"],
    ["on the device", account.onDevice, "text-warn"],
    ["missing", missing, "text-down"],
    ["rejected", account.rejected, "text-warn"],
    ["declared lost", account.declaredLost, "text-warn"],
    ["delivered again", account.duplicates, ""],
  ];
  return (
    <li data-testid="stream" data-stream={account.stream} className="grid gap-1 px-4 py-2.5 text-xs">
      <div className="flex flex-wrap items-center gap-x-2 gap-y-1">
        <code title={account.stream} className="font-mono break-all text-text">
          {account.stream}
        </code>
        {isCurrent && <Tag tone="ok">current</Tag>}
        <span className="num ml-auto text-muted">
          {String(account.first)} to {String(account.last)}
        </span>
      </div>
      <p className="num flex flex-wrap gap-x-3 text-muted">
        {parts.filter(([name, count]) => name === "archived" || count > 0n).map(([name, count, tone]) => (
          <span key={name} className={tone}>
            {countText(count)} {name}
          </span>
        ))}
      </p>
    </li>
  );
}
