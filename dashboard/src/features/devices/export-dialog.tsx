"use client";

import { Download } from "lucide-react";
import { useRef, useState, type ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Choice } from "@/components/ui/choice";
import { Dialog, DialogBody, DialogFooter } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Notice } from "@/components/ui/notice";
import { Select } from "@/components/ui/select";
import { exportAddress, type ExportFormat, type ExportOrder } from "@/lib/api/devices";
import { useEngine } from "@/lib/engine/hooks";
import { useChange } from "@/lib/query/hooks";

const HOUR_MS = 3_600_000;
const RANGES = [
  { value: "1", label: "The last hour" },
  { value: "24", label: "The last 24 hours" },
  { value: "168", label: "The last 7 days" },
  { value: "720", label: "The last 30 days" },
  { value: "all", label: "Everything in the archive" },
  { value: "custom", label: "From … to …" },
] as const;
type Range = (typeof RANGES)[number]["value"];
const FORMATS: readonly { readonly value: ExportFormat; readonly label: string }[] = [
  { value: "csv", label: "CSV" },
  { value: "ndjson", label: "NDJSON" },
];

/** *from*, *to*: local times as the browser's own field writes them, or empty. */
function spanOf(range: Range, from: string, to: string, now: number): Omit<ExportOrder, "format"> | string {
  if (range === "all") {
    return { from: null, to: null };
  }
  if (range !== "custom") {
    return { from: now - Number(range) * HOUR_MS, to: null };
  }
  const first = from === "" ? null : Date.parse(from);
  const last = to === "" ? null : Date.parse(to);
  return first !== null && last !== null && first >= last ? "The beginning must be before the end." : { from: first, to: last };
}

/** What is missing, in a sentence. The browser's value of a time that is filled in halfway is empty, which here means open. */
function halfFilled(from: HTMLInputElement | null, to: HTMLInputElement | null): string | null {
  const fields = [...(from?.validity.badInput === true ? ["From"] : []), ...(to?.validity.badInput === true ? ["To"] : [])];
  return fields.length === 0 ? null : `${fields.join(" and ")} is filled in halfway: give both the date and the time, or leave it empty.`;
}

/** The browser fetches the address itself, so that an export of any size goes straight to the disk. */
function download(address: string): void {
  const link = document.createElement("a");
  link.href = address;
  link.download = "";
  document.body.append(link);
  link.click();
  link.remove();
}

interface ExportDialogProps {
  readonly clientId: string;
  readonly onClose: () => void;
}

export function ExportDialog({ clientId, onClose }: ExportDialogProps): ReactElement {
  const { api } = useEngine();
  const [format, setFormat] = useState<ExportFormat>("csv");
  const [range, setRange] = useState<Range>("24");
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  const [unfit, setUnfit] = useState("");
  const change = useChange((send, order: ExportOrder) => exportAddress(send, clientId, order), []);
  const fromField = useRef<HTMLInputElement>(null);
  const toField = useRef<HTMLInputElement>(null);
  const start = (): void => {
    const span = halfFilled(fromField.current, toField.current) ?? spanOf(range, from, to, api.serverNow());
    setUnfit(typeof span === "string" ? span : "");
    if (typeof span !== "string") {
      change.mutate({ format, ...span }, { onSuccess: download });
    }
  };
  const trouble = unfit === "" ? (change.error?.message ?? "") : unfit;
  return (
    <Dialog open onClose={onClose} title={`Export ${clientId}`} description="Every reading of the archive in the chosen time, one value a line, integers digit for digit.">
      <DialogBody>
        <div className="grid justify-items-start gap-1.5">
          <span className="text-[13px] font-medium text-muted">Format</span>
          <Choice<ExportFormat> label="Format" value={format} choices={FORMATS} onChoose={setFormat} />
        </div>
        <Select<Range> label="Time" showLabel value={range} choices={RANGES} onChoose={setRange} testId="export-range" />
        {range === "custom" && (
          <div className="grid gap-3">
            <Field ref={fromField} label="From" type="datetime-local" step={1} value={from} onChange={(event) => setFrom(event.target.value)} hint="Empty: from the beginning" data-testid="export-from" />
            <Field ref={toField} label="To, without it" type="datetime-local" step={1} value={to} onChange={(event) => setTo(event.target.value)} hint="Empty: to the end" data-testid="export-to" />
          </div>
        )}
        {trouble !== "" && <Notice tone="down">{trouble}</Notice>}
        {trouble === "" && change.isSuccess && <Notice tone="ok">The download has begun. Its address was good for one use; press again for another one.</Notice>}
      </DialogBody>
      <DialogFooter>
        <Button onClick={onClose}>Close</Button>
        <Button tone="primary" onClick={start} disabled={change.isPending} data-testid="export-start">
          <Download aria-hidden />
          {change.isPending ? "Preparing …" : "Download"}
        </Button>
      </DialogFooter>
    </Dialog>
  );
}
