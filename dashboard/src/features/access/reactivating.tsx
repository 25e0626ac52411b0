"use client";

import type { ReactElement } from "react";

import { Confirm } from "@/components/ui/confirm";
import { USER } from "@/features/access/collections";
import { Overtaken } from "@/features/access/conflict";
import { useGuarded } from "@/features/access/guarded";
import { change, type User } from "@/lib/api/access";

/** Takes an account back. */
export function Reactivating({ user, onClose }: { readonly user: User; readonly onClose: () => void }): ReactElement {
  const guarded = useGuarded(user, USER);
  const roles = guarded.seen.roles;
  return (
    <Confirm
      open
      onClose={onClose}
      title={`Reactivate ${guarded.seen.name}?`}
      action="Reactivate"
      busy={guarded.busy}
      trouble={guarded.problem?.message ?? ""}
      onConfirm={() => guarded.run((send, seen) => change(send, USER.path, seen, { is_active: true }, USER.read), onClose)}
    >
      {guarded.overtaken && <Overtaken by={guarded.newerChange}>Look at what comes back, and go on only if it is still right.</Overtaken>}
      They can sign in again with the password they had, and hold {roles.length === 0 ? "no role" : roles.join(", ")}. Desktops learn of it as soon as they are online.
    </Confirm>
  );
}
