"use client";

import { KeyRound, Plus } from "lucide-react";
import { useState, type ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { DataTable, type Column } from "@/components/ui/data-table";
import { Empty, Panel, PanelHeader } from "@/components/ui/panel";
import { RowButton } from "@/components/ui/row-button";
import { Tag } from "@/components/ui/tag";
import { isBuiltInPermission } from "@/features/access/built-in";
import { Changed } from "@/features/access/changed";
import { PERMISSION, usePermissions, useRoles, useShown } from "@/features/access/collections";
import { NewPermission, PermissionDialog } from "@/features/access/permission-dialog";
import { Removal } from "@/features/access/removal";
import { useAllowed } from "@/features/shell/allowed";
import type { Permission, Role, TopicRule } from "@/lib/api/access";

type Window = { readonly act: "edit" | "delete"; readonly permission: Permission } | { readonly act: "new" };

/** The permissions and the topics that each opens. */
export function PermissionsTab(): ReactElement {
  const manages = useAllowed("MANAGE_ROLES");
  const shown = useShown(usePermissions(), () => true);
  const roles = useRoles();
  const [open, setOpen] = useState<Window | null>(null);
  const close = (): void => setOpen(null);
  return (
    <Panel aria-label="Permissions">
      <PanelHeader title="Permissions">
        <span className="text-xs text-faint">{manages ? "Each opens topics on the broker, calls of the API, or both." : "To look at: changing them needs the permission MANAGE_ROLES."}</span>
        {manages && (
          <Button tone="primary" className="ml-auto" onClick={() => setOpen({ act: "new" })} data-testid="new-permission">
            <Plus aria-hidden />
            New permission
          </Button>
        )}
      </PanelHeader>
      <DataTable
        label="Permissions"
        columns={columns(manages ? (permission) => setOpen({ act: "edit", permission }) : null)}
        list={shown}
        rowKey={(permission) => permission.name}
        rowTestId="permission-row"
        empty={<Empty icon={<KeyRound aria-hidden />} title="There is no permission">Make one with topic rules, and put it into a role.</Empty>}
      />
      {open?.act === "new" && <NewPermission onClose={close} />}
      {open?.act === "edit" && <PermissionDialog permission={open.permission} onClose={close} onDelete={(permission) => setOpen({ act: "delete", permission })} />}
      {open?.act === "delete" && (
        <Removal record={open.permission} kind={PERMISSION} what="permission" onClose={close}>
          {consequence(open.permission, roles.items)}
        </Removal>
      )}
    </Panel>
  );
}

function consequence(permission: Permission, roles: readonly Role[]): string {
  const holding = roles.filter((role) => role.permissions.includes(permission.name)).map((role) => role.name);
  const lost = holding.length === 0 ? "No role has it." : `The ${holding.length === 1 ? "role loses" : "roles lose"} it: ${holding.join(", ")}.`;
  const builtIn = isBuiltInPermission(permission.name) ? " The programs ask for this one by its name: what it opens is then open to nobody." : "";
  return `${lost} Live connections that allow more than is left are cut at once.${builtIn}`;
}

function columns(onOpen: ((permission: Permission) => void) | null): readonly Column<Permission>[] {
  return [
    {
      key: "name",
      header: "Name",
      wrap: true,
      cell: (permission) => (
        <>
          {onOpen === null ? <span className="font-medium break-all">{permission.name}</span> : <RowButton testId="open-permission" onOpen={() => onOpen(permission)}><bdi className="break-all">{permission.name}</bdi></RowButton>}{" "}
          {isBuiltInPermission(permission.name) && <Tag title="The programs ask for it by its name.">built in</Tag>}
          <p className="mt-0.5 text-xs break-words text-muted">{permission.description}</p>
          <div className="mt-1.5 sm:hidden">
            <Rules rules={permission.rules} />
          </div>
        </>
      ),
    },
    { key: "rules", header: "Topic rules", wrap: true, hiddenBelow: "sm", cell: (permission) => <Rules rules={permission.rules} /> },
    { key: "changed", header: "Changed", hiddenBelow: "lg", cell: (permission) => <Changed record={permission} /> },
  ];
}

function Rules({ rules }: { readonly rules: readonly TopicRule[] }): ReactElement {
  return rules.length === 0 ? (
    <span className="text-faint">none on the broker</span>
  ) : (
    <ul className="grid gap-0.5">
      {rules.map((rule, at) => (
        <li key={at} className="flex flex-wrap items-baseline gap-x-2 text-xs">
          <span className="w-16 shrink-0 text-faint">{rule.action}</span>
          <code className="min-w-0 font-mono break-all">{rule.topic}</code>
        </li>
      ))}
    </ul>
  );
}
