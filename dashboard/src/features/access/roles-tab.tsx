"use client";

import { Plus, ShieldCheck } from "lucide-react";
import { useState, type ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { DataTable, type Column } from "@/components/ui/data-table";
import { Empty, Panel, PanelHeader } from "@/components/ui/panel";
import { RowButton } from "@/components/ui/row-button";
import { Tag } from "@/components/ui/tag";
import { isSeededRole } from "@/features/access/built-in";
import { Changed } from "@/features/access/changed";
import { useRoles, useShown, useUsers } from "@/features/access/collections";
import { Removal } from "@/features/access/removal";
import { countText, peopleWith } from "@/features/access/rights";
import { NewRole, RoleDialog } from "@/features/access/role-dialog";
import { ROLE } from "@/features/access/collections";
import { useAllowed } from "@/features/shell/allowed";
import type { Role, User } from "@/lib/api/access";

type Window = { readonly act: "edit" | "delete"; readonly role: Role } | { readonly act: "new" };

/** The roles, for those who manage them; others who give roles to people look only. */
export function RolesTab(): ReactElement {
  const manages = useAllowed("MANAGE_ROLES");
  const seesPeople = useAllowed("MANAGE_USERS");
  const users = useUsers(seesPeople);
  const shown = useShown(useRoles(), () => true);
  const [open, setOpen] = useState<Window | null>(null);
  const close = (): void => setOpen(null);
  return (
    <Panel aria-label="Roles">
      <PanelHeader title="Roles">
        <span className="text-xs text-faint">{manages ? "Named sets of permissions, given to people." : "To look at: changing them needs the permission MANAGE_ROLES."}</span>
        {manages && (
          <Button tone="primary" className="ml-auto" onClick={() => setOpen({ act: "new" })} data-testid="new-role">
            <Plus aria-hidden />
            New role
          </Button>
        )}
      </PanelHeader>
      <DataTable
        label="Roles"
        columns={columns(manages ? (role) => setOpen({ act: "edit", role }) : null, seesPeople && users.phase === "ready" ? users.items : null)}
        list={shown}
        rowKey={(role) => role.name}
        rowTestId="role-row"
        empty={<Empty icon={<ShieldCheck aria-hidden />} title="There is no role">Without roles nobody may do anything. Make one and give it to people.</Empty>}
      />
      {open?.act === "new" && <NewRole onClose={close} />}
      {open?.act === "edit" && <RoleDialog role={open.role} onClose={close} onDelete={(role) => setOpen({ act: "delete", role })} />}
      {open?.act === "delete" && (
        <Removal record={open.role} kind={ROLE} what="role" onClose={close}>
          {consequence(open.role, seesPeople ? users.items : null)}
        </Removal>
      )}
    </Panel>
  );
}

function consequence(role: Role, users: readonly User[] | null): string {
  const people = users === null ? [] : peopleWith(role.name, users);
  const whom = users === null ? "Whoever has it loses" : people.length === 0 ? "Nobody has it. Whoever had it would lose" : countText(people.length, "person loses", "people lose");
  const names = people.length === 0 ? "" : ` (${people.slice(0, 5).map((each) => each.name).join(", ")}${people.length > 5 ? ", …" : ""})`;
  return `${whom}${names} what only this role gave, at once: live connections that allow more are cut and made anew with what is left.`;
}

function columns(onOpen: ((role: Role) => void) | null, users: readonly User[] | null): readonly Column<Role>[] {
  const people: Column<Role> = {
    key: "people",
    header: "People",
    align: "right",
    cell: (role) => <span data-testid="role-people">{users === null ? "" : peopleWith(role.name, users).length}</span>,
  };
  return [
    {
      key: "name",
      header: "Name",
      wrap: true,
      cell: (role) => (
        <>
          {onOpen === null ? <span className="font-medium break-all">{role.name}</span> : <RowButton testId="open-role" onOpen={() => onOpen(role)}><bdi className="break-all">{role.name}</bdi></RowButton>}{" "}
          {isSeededRole(role.name) && <Tag title="It came with the system. It can be changed like any other.">seeded</Tag>}
          <p className="mt-0.5 text-xs break-words text-muted">{role.description}</p>
          <div className="mt-1.5 sm:hidden">
            <PermissionTags names={role.permissions} />
          </div>
        </>
      ),
    },
    { key: "permissions", header: "Permissions", wrap: true, hiddenBelow: "sm", cell: (role) => <PermissionTags names={role.permissions} /> },
    ...(users === null ? [] : [people]),
    { key: "changed", header: "Changed", hiddenBelow: "lg", cell: (role) => <Changed record={role} /> },
  ];
}

function PermissionTags({ names }: { readonly names: readonly string[] }): ReactElement {
  return names.length === 0 ? (
    <span className="text-faint">none</span>
  ) : (
    <span className="flex flex-wrap gap-1">
      {names.map((name) => (
        <Tag key={name}>{name}</Tag>
      ))}
    </span>
  );
}
