"use client";

import type { ReactElement } from "react";

import { CheckList, inOrder } from "@/features/access/check-list";
import { ROLE, usePermissions } from "@/features/access/collections";
import { EditRecord, NewRecord, type HeldProps, type Named, type Subject } from "@/features/access/named-record";
import type { Role } from "@/lib/api/access";

interface Draft extends Named {
  readonly permissions: readonly string[];
}

const OF_ROLE: Subject<Role, Draft> = {
  kind: ROLE,
  what: "role",
  aboutNew: "A named set of permissions. Nobody can give what they do not hold themselves.",
  aboutChange: "What is taken away here is gone for everybody who has the role, at once.",
  empty: { name: "", description: "", permissions: [] },
  draftOf: ({ name, description, permissions }) => ({ name, description, permissions: inOrder(permissions) }),
  words: { name: "Name", description: "Description", permissions: "Permissions" },
  show: (draft, field) => (field === "permissions" ? draft.permissions.join(", ") : draft[field]) || "none",
  Held: Permissions,
  isAboutHeld: () => false,
};

export function NewRole({ onClose }: { readonly onClose: () => void }): ReactElement {
  return <NewRecord of={OF_ROLE} onClose={onClose} />;
}

interface RoleDialogProps {
  readonly role: Role;
  readonly onClose: () => void;
  readonly onDelete: (role: Role) => void;
}

/** A role's name, description and permissions to edit. */
export function RoleDialog({ role, onClose, onDelete }: RoleDialogProps): ReactElement {
  return <EditRecord of={OF_ROLE} record={role} onClose={onClose} onDelete={onDelete} />;
}

function Permissions({ draft, set }: HeldProps<Draft>): ReactElement {
  const permissions = usePermissions();
  return (
    <CheckList
      legend="Permissions"
      testId="permission"
      empty={permissions.phase === "loading" ? "Loading permissions …" : permissions.trouble || "There is no permission."}
      choices={permissions.items.map((each) => ({ name: each.name, hint: each.description }))}
      chosen={draft.permissions}
      onChange={(chosen) => set({ permissions: chosen })}
    />
  );
}
