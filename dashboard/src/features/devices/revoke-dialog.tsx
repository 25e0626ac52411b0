"use client";

import Link from "next/link";
import { useState, type ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/confirm";
import { Dialog, DialogBody, DialogFooter } from "@/components/ui/dialog";
import { Notice } from "@/components/ui/notice";
import { Tag } from "@/components/ui/tag";
import { useAllowed } from "@/features/shell/allowed";
import { revokeDevice } from "@/lib/api/devices";
import { useChange } from "@/lib/query/hooks";

interface RevokeDialogProps {
  readonly clientId: string;
  readonly onClose: () => void;
}

/** Revokes a device, and then says whose password hashes it may hold. */
export function RevokeDialog({ clientId, onClose }: RevokeDialogProps): ReactElement {
  const [people, setPeople] = useState<readonly string[] | null>(null);
  const change = useChange((send) => revokeDevice(send, clientId), ["/devices"]);
  if (people !== null) {
    return <Revoked clientId={clientId} people={people} onClose={onClose} />;
  }
  return (
    <Confirm
      open
      onClose={onClose}
      title={`Revoke ${clientId}?`}
      action="Revoke device"
      busy={change.isPending}
      trouble={change.error?.message ?? ""}
      onConfirm={() => change.mutate(undefined, { onSuccess: setPeople })}
    >
      <p>The device is cut off at once and stays out until somebody enrolls it again:</p>
      <ul className="mt-2 list-disc space-y-1 pl-5">
        <li>its connection to the broker ends, its tokens are refused and it gets no new ones;</li>
        <li>everybody&apos;s signing key on it ends;</li>
        <li>it goes on recording on its own disk, but what waits there does not reach the archive;</li>
        <li>everything that it has delivered stays.</li>
      </ul>
      <p className="mt-2">It may hold password hashes of people who can sign in on desktops. Whose is shown next.</p>
    </Confirm>
  );
}

interface RevokedProps extends RevokeDialogProps {
  readonly people: readonly string[];
}

function Revoked({ clientId, people, onClose }: RevokedProps): ReactElement {
  const mayManageUsers = useAllowed("MANAGE_USERS");
  return (
    <Dialog open onClose={onClose} title={`${clientId} is revoked`}>
      <DialogBody>
        {people.length === 0 ? (
          <Notice tone="ok">It holds nobody&apos;s password hash: nobody may sign in on desktops.</Notice>
        ) : (
          <>
            <Notice tone="warn">
              If the machine is lost or in other hands, give these people new passwords: the device may hold hashes of the present ones, and whoever has it
              can try passwords against them without limit.
            </Notice>
            <ul aria-label="People whose password hashes it may hold" data-testid="revoked-people" className="flex flex-wrap gap-1.5">
              {people.map((each) => (
                <li key={each}>
                  <Tag>{each}</Tag>
                </li>
              ))}
            </ul>
            {mayManageUsers ? (
              <Link href="/users/" prefetch={false} className="text-[13px] font-medium text-accent underline underline-offset-4">
                Go to Users
              </Link>
            ) : (
              <p className="text-[13px] text-muted">Somebody who manages users can do that. Everybody can also change their own password.</p>
            )}
          </>
        )}
      </DialogBody>
      <DialogFooter>
        <Button tone="primary" onClick={onClose} data-testid="revoked-done">
          Done
        </Button>
      </DialogFooter>
    </Dialog>
  );
}
