"use client";

import Link from "next/link";
import { useState, type ReactElement, type ReactNode } from "react";

import { Button } from "@/components/ui/button";
import { Copyable } from "@/components/ui/copyable";
import { Dialog, DialogBody, DialogFooter } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { FormDialog } from "@/components/ui/form-dialog";
import { Notice } from "@/components/ui/notice";
import { Select } from "@/components/ui/select";
import { LeavingLoses, useShownOnce, type ShownOnce } from "@/components/ui/shown-once";
import { isDeviceId } from "@/contract/topics";
import { detailAddress } from "@/features/devices/device-cells";
import { PresenceBadge } from "@/features/devices/presence";
import { useEnrollmentWatch, type Registered } from "@/features/devices/enrollment-watch";
import { makeEnrollmentCode, type EnrollmentCode } from "@/lib/api/devices";
import { listDevices } from "@/lib/api/endpoints";
import { useAllowed } from "@/features/shell/allowed";
import { useDevice, useEngine, useNow, usePresence } from "@/lib/engine/hooks";
import { useChange } from "@/lib/query/hooks";

const LIVES = [
  { value: "60", label: "1 minute" },
  { value: "300", label: "5 minutes" },
  { value: "900", label: "15 minutes" },
] as const;
type LifeS = (typeof LIVES)[number]["value"];

interface Made extends EnrollmentCode {
  readonly clientId: string;
  /** Who was enrolled before, and when; `null` when this person may not see devices. */
  readonly before: Registered | null;
}

interface EnrollDialogProps {
  /** The device to enroll again; empty for a new one. */
  readonly clientId: string;
  readonly onClose: () => void;
}

/** Makes a one-time code, shows it once with the command that uses it, and tells when the device has come in. */
export function EnrollDialog({ clientId, onClose }: EnrollDialogProps): ReactElement {
  const [made, setMade] = useState<Made | null>(null);
  const { api } = useEngine();
  const now = useNow();
  const leftMs = made === null ? 0 : api.toLocal(made.expiresAt) - now;
  const enrolled = useEnrollmentWatch(made?.before ?? null, made?.clientId ?? "", leftMs > 0);
  const once = useShownOnce(leftMs > 0 && enrolled === null, onClose);
  const title = clientId === "" ? "Enroll a device" : `Enroll ${clientId} again`;
  if (made === null) {
    return <CodeForm clientId={clientId} title={title} onMade={setMade} onClose={onClose} />;
  }
  return (
    <Dialog open wide onClose={once.leave} title={title}>
      <MadeCode made={made} leftMs={leftMs} enrolled={enrolled} once={once} again={clientId !== ""} onClose={onClose} onAnother={() => setMade(null)} />
    </Dialog>
  );
}

interface CodeFormProps extends EnrollDialogProps {
  readonly title: string;
  readonly onMade: (made: Made) => void;
}

function CodeForm({ clientId, title, onMade, onClose }: CodeFormProps): ReactElement {
  const { api } = useEngine();
  const mayView = useAllowed("VIEW_DASHBOARD");
  const [typed, setTyped] = useState("");
  const [life, setLife] = useState<LifeS>("900");
  const asked = clientId === "" ? typed.trim() : clientId;
  const isId = asked === "" || isDeviceId(asked);
  const change = useChange(async (send): Promise<Made> => {
    const before = mayView ? new Map((await listDevices(send, api.toLocal)).map((each) => [each.clientId, each.enrolledAt])) : null;
    return { ...(await makeEnrollmentCode(send, asked, Number(life))), clientId: asked, before };
  }, []);
  const submit = (): void => {
    if (isId) {
      change.mutate(undefined, { onSuccess: onMade });
    }
  };
  return (
    <FormDialog
      noValidate
      title={title}
      description="A one-time code lets one device in. It holds the fingerprint of this server, so that the device knows whom it talks to."
      action="Make the code"
      working="Making …"
      testId="make-code"
      busy={change.isPending}
      ready={isId}
      onSubmit={submit}
      onClose={onClose}
    >
      {clientId === "" ? (
        <Field
          label="Device id (optional)"
          hint="1 to 64 of A-Z a-z 0-9 . _ -. With an id the code is good for that device alone; without one, for any new device."
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          autoComplete="off"
          spellCheck={false}
          data-testid="enroll-client-id"
        />
      ) : (
        <AgainWarning />
      )}
      <Select<LifeS> label="Good for" showLabel value={life} choices={LIVES} onChoose={setLife} testId="enroll-life" />
      {!isId && <Notice tone="down">{asked.slice(0, 80)} cannot be a device id: 1 to 64 of A-Z a-z 0-9 . _ - are.</Notice>}
      {change.error !== null && <Notice tone="down">{change.error.message}</Notice>}
    </FormDialog>
  );
}

function AgainWarning(): ReactElement {
  return (
    <Notice tone="warn">
      When the code is used, the device&apos;s former keys end: whoever holds them is cut off and gets no token any more, everybody&apos;s signing key on it
      ends, and a revocation is lifted. The id is held off until tokens under the former keys have run out, at most an hour. Until then nothing changes.
      Readings in the archive stay.
    </Notice>
  );
}

interface MadeCodeProps {
  readonly made: Made;
  readonly leftMs: number;
  /** The device that used the code; `null` until then. */
  readonly enrolled: string | null;
  readonly once: ShownOnce;
  readonly again: boolean;
  readonly onClose: () => void;
  readonly onAnother: () => void;
}

function MadeCode({ made, leftMs, enrolled, once, again, onClose, onAnother }: MadeCodeProps): ReactElement {
  return (
    <>
      <DialogBody>{enrolled === null ? <OpenCode made={made} again={again} leftMs={leftMs} /> : <CameIn clientId={enrolled} onClose={onClose} />}</DialogBody>
      <DialogFooter>
        <LeavingLoses what="The code" once={once} />
        {(enrolled !== null || leftMs <= 0) && !again && (
          <Button onClick={onAnother} data-testid="another-code">
            Make another code
          </Button>
        )}
        <Button tone={enrolled === null ? "plain" : "primary"} onClick={onClose} data-testid="enroll-done">
          {enrolled === null ? "Close" : "Done"}
        </Button>
      </DialogFooter>
    </>
  );
}

interface OpenCodeProps {
  readonly made: Made;
  readonly again: boolean;
  readonly leftMs: number;
}

function OpenCode({ made, again, leftMs }: OpenCodeProps): ReactElement {
  if (leftMs <= 0) {
    return <Notice tone="warn">The code has run out and lets nobody in any more. Make another one.</Notice>;
  }
  const id = made.clientId === "" ? "DEVICE-ID" : made.clientId;
  const command = `pulse-desktop enroll --client-id ${id} --api ${window.location.origin}${again ? " --again" : ""} --code-file -`;
  return (
    <>
      <Step title="1. Copy the code. It is shown this once only." aside={<TimeLeft leftMs={leftMs} />}>
        <Copyable label="the code" text={made.code} testId="enroll-code" />
      </Step>
      <Step title="2. On the device, run this, paste the code, and press Enter and Ctrl+D.">
        <Copyable label="the command" text={command} testId="enroll-command" />
        <p className="text-xs text-faint">
          The code is no part of the command line, where others on that machine could read it.
          {made.clientId === "" && " Put a name for the device in the place of DEVICE-ID."}
          {window.location.protocol === "http:" && " From another machine, put this server's address in the place of the one behind --api."}
        </p>
      </Step>
      <p role="status" className="flex items-center gap-2 text-[13px] text-muted" data-testid="enroll-waiting">
        <span aria-hidden className="size-2 animate-pulse rounded-full bg-accent motion-reduce:animate-none" />
        {made.before === null ? "The device appears in the list when it has come in." : `Waiting for ${made.clientId === "" ? "the device" : made.clientId} …`}
      </p>
    </>
  );
}

function Step({ title, aside, children }: { readonly title: string; readonly aside?: ReactNode; readonly children: ReactNode }): ReactElement {
  return (
    <section className="grid gap-2">
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <h3 className="text-[13px] font-medium">{title}</h3>
        {aside}
      </div>
      {children}
    </section>
  );
}

function TimeLeft({ leftMs }: { readonly leftMs: number }): ReactElement {
  const seconds = Math.max(0, Math.floor(leftMs / 1_000));
  const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  return (
    <span data-testid="enroll-left" className={seconds < 60 ? "num text-xs text-warn" : "num text-xs text-muted"}>
      good for {text}
    </span>
  );
}

function CameIn({ clientId, onClose }: { readonly clientId: string; readonly onClose: () => void }): ReactElement {
  const device = useDevice(clientId);
  const presence = usePresence();
  const heard = device?.heardAt != null;
  return (
    <div data-testid="enrolled" data-client-id={clientId}>
      <Notice tone="ok">
        <p>
          <strong className="break-all">{clientId}</strong> has enrolled. The code is used up.
        </p>
        <p className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-1">
          {heard ? <PresenceBadge presence={presence(device)} /> : <span className="text-muted">Nothing has been heard of it yet.</span>}
          <Link href={detailAddress(clientId)} prefetch={false} onClick={onClose} className="font-medium text-accent underline underline-offset-4">
            Open its page
          </Link>
        </p>
      </Notice>
    </div>
  );
}
