"use client";

import { Search, UserPlus, Users } from "lucide-react";
import { useState, type ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Choice } from "@/components/ui/choice";
import { DataTable, type Column } from "@/components/ui/data-table";
import { Input } from "@/components/ui/field";
import { Empty, Panel, PanelHeader } from "@/components/ui/panel";
import { RowButton } from "@/components/ui/row-button";
import { Tag } from "@/components/ui/tag";
import { Changed } from "@/features/access/changed";
import { useShown, useUsers } from "@/features/access/collections";
import { Ending } from "@/features/access/ending";
import { NewPassword } from "@/features/access/new-password-dialog";
import { NewUser } from "@/features/access/new-user";
import { Reactivating } from "@/features/access/reactivating";
import { comparable } from "@/features/access/rights";
import { UserDialog, type UserAct } from "@/features/access/user-dialog";
import type { User } from "@/lib/api/access";
import { usePerson } from "@/lib/engine/hooks";

type Window = { readonly act: "edit" | "reactivate" | Exclude<UserAct, "explain">; readonly user: User } | { readonly act: "new" };
type Activity = "all" | "active" | "inactive";

const ACTIVITIES: readonly { readonly value: Activity; readonly label: string }[] = [
  { value: "all", label: "All" },
  { value: "active", label: "Active" },
  { value: "inactive", label: "Inactive" },
];

/** Everybody who may sign in, or might again. *onExplain*: asked what somebody may do. */
export function UsersTab({ onExplain }: { readonly onExplain: (username: string) => void }): ReactElement {
  const users = useUsers();
  const [sought, setSought] = useState("");
  const [activity, setActivity] = useState<Activity>("all");
  const [open, setOpen] = useState<Window | null>(null);
  const shown = useShown(users, (user) => comparable(user.name).includes(comparable(sought.trim())) && (activity === "all" || user.isActive === (activity === "active")));
  const close = (): void => setOpen(null);
  const act = (wanted: UserAct, user: User): void => (wanted === "explain" ? onExplain(user.name) : setOpen({ act: wanted, user }));
  return (
    <Panel aria-label="Users">
      <PanelHeader title="Users">
        <span className="num text-xs text-faint" data-testid="user-count">{users.items.length}</span>
        <div className="relative w-52 max-sm:w-full">
          <Search aria-hidden className="pointer-events-none absolute top-2 left-2.5 size-4 text-faint" />
          <Input look="search" type="search" aria-label="Search users by name" placeholder="Search by name" value={sought} onChange={(event) => setSought(event.target.value)} data-testid="user-search" />
        </div>
        <Choice label="Which users" value={activity} choices={ACTIVITIES} onChoose={setActivity} />
        <Button tone="primary" className="ml-auto" onClick={() => setOpen({ act: "new" })} data-testid="new-user">
          <UserPlus aria-hidden />
          New user
        </Button>
      </PanelHeader>
      <DataTable
        label="Users"
        columns={useColumns(setOpen)}
        list={shown}
        rowKey={(user) => user.name}
        rowTestId="user-row"
        empty={<Empty icon={<Users aria-hidden />} title="Nobody fits">No user has this name and state. Search for less, or show all.</Empty>}
      />
      {open !== null && <Opened open={open} onClose={close} onAct={act} />}
    </Panel>
  );
}

function useColumns(open: (window: Window) => void): readonly Column<User>[] {
  const self = usePerson().id;
  return [
    {
      key: "name",
      header: "Name",
      wrap: true,
      cell: (user) => (
        <>
          <RowButton testId="open-user" onOpen={() => open({ act: "edit", user })}>
            <bdi className="break-all">{user.name}</bdi>
          </RowButton>{" "}
          {user.id === self && <Tag>you</Tag>}
          <div className="mt-1.5 sm:hidden">
            <Roles roles={user.roles} />
          </div>
        </>
      ),
    },
    { key: "state", header: "State", cell: (user) => <Tag tone={user.isActive ? "ok" : "down"}>{user.isActive ? "active" : "inactive"}</Tag> },
    { key: "roles", header: "Roles", wrap: true, hiddenBelow: "sm", cell: (user) => <Roles roles={user.roles} /> },
    { key: "changed", header: "Changed", hiddenBelow: "lg", cell: (user) => <Changed record={user} /> },
    {
      key: "acts",
      header: <span className="sr-only">What can be done</span>,
      align: "right",
      cell: (user) => (
        <span className="relative z-10">
          {user.isActive ? (
            <Button size="small" tone="quiet" onClick={() => open({ act: "deactivate", user })} data-testid="row-deactivate" aria-label={`Deactivate ${user.name}`}>
              Deactivate
            </Button>
          ) : (
            <Button size="small" onClick={() => open({ act: "reactivate", user })} data-testid="row-reactivate" aria-label={`Reactivate ${user.name}`}>
              Reactivate
            </Button>
          )}
        </span>
      ),
    },
  ];
}

function Roles({ roles }: { readonly roles: readonly string[] }): ReactElement {
  return roles.length === 0 ? (
    <span className="text-faint">none</span>
  ) : (
    <span className="flex flex-wrap gap-1">
      {roles.map((role) => (
        <Tag key={role}>{role}</Tag>
      ))}
    </span>
  );
}

function Opened({ open, onClose, onAct }: { readonly open: Window; readonly onClose: () => void; readonly onAct: (act: UserAct, user: User) => void }): ReactElement {
  switch (open.act) {
    case "new":
      return <NewUser onClose={onClose} />;
    case "edit":
      return <UserDialog user={open.user} onClose={onClose} onAct={onAct} />;
    case "password":
      return <NewPassword user={open.user} onClose={onClose} />;
    case "reactivate":
      return <Reactivating user={open.user} onClose={onClose} />;
    case "deactivate":
    case "delete":
      return <Ending user={open.user} way={open.act} onClose={onClose} />;
  }
}
