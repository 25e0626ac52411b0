"use client";

import { lazy, Suspense, type ReactElement, type ReactNode } from "react";

import { Page } from "@/components/ui/page";
import { Panel, Skeleton } from "@/components/ui/panel";
import { Tabs } from "@/components/ui/tabs";
import { UsersTab } from "@/features/access/users-tab";
import { Allowed, useAllowed } from "@/features/shell/allowed";
import { useAddress } from "@/lib/query/address";

// Parts that are seldom looked at are fetched when they are: the page has to be there soon for who looks somebody up.
const RolesTab = lazy(() => import("@/features/access/roles-tab").then((part) => ({ default: part.RolesTab })));
const PermissionsTab = lazy(() => import("@/features/access/permissions-tab").then((part) => ({ default: part.PermissionsTab })));
const ExplainTab = lazy(() => import("@/features/access/explain-tab").then((part) => ({ default: part.ExplainTab })));

/** Who may sign in, and who may do what. */
export function UsersPage(): ReactElement {
  return (
    <Allowed permissions={["MANAGE_USERS", "MANAGE_ROLES"]}>
      <Page title="Users and rights" lead="Who may sign in, what they may do, and why.">
        <Suspense>
          <Parts />
        </Suspense>
      </Page>
    </Allowed>
  );
}

/** The parts that this person may use; the chosen one stands in the address. */
function Parts(): ReactElement {
  const address = useAddress();
  const managesUsers = useAllowed("MANAGE_USERS");
  const managesRoles = useAllowed("MANAGE_ROLES");
  const explain = (username: string): void => address.set({ tab: "explain", who: `user:${username}`, action: "", topic: "" });
  const tabs = [
    ...(managesUsers ? [{ value: "users", label: "Users", content: <UsersTab onExplain={explain} /> }] : []),
    { value: "roles", label: "Roles", content: <Fetched><RolesTab /></Fetched> },
    { value: "permissions", label: "Permissions", content: <Fetched><PermissionsTab /></Fetched> },
    ...(managesRoles ? [{ value: "explain", label: "Who may what", content: <Fetched><ExplainTab /></Fetched> }] : []),
  ];
  const wanted = address.get("tab");
  const chosen = tabs.find((each) => each.value === wanted)?.value ?? tabs[0]?.value ?? "";
  return <Tabs label="Users and rights" value={chosen} tabs={tabs} onChange={(tab) => address.set({ tab, who: "", action: "", topic: "" })} />;
}

function Fetched({ children }: { readonly children: ReactNode }): ReactElement {
  return (
    <Suspense
      fallback={
        <Panel role="status" className="p-4">
          <span className="sr-only">Loading</span>
          <Skeleton className="h-24" />
        </Panel>
      }
    >
      {children}
    </Suspense>
  );
}
