"use client";

import { Suspense, type ReactElement } from "react";

import { Page } from "@/components/ui/page";
import { Tabs } from "@/components/ui/tabs";
import { ExplainTab } from "@/features/access/explain-tab";
import { PermissionsTab } from "@/features/access/permissions-tab";
import { RolesTab } from "@/features/access/roles-tab";
import { UsersTab } from "@/features/access/users-tab";
import { Allowed, useAllowed } from "@/features/shell/allowed";
import { useAddress } from "@/lib/query/address";

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
    { value: "roles", label: "Roles", content: <RolesTab /> },
    { value: "permissions", label: "Permissions", content: <PermissionsTab /> },
    ...(managesRoles ? [{ value: "explain", label: "Who may what", content: <ExplainTab /> }] : []),
  ];
  const wanted = address.get("tab");
  const chosen = tabs.find((each) => each.value === wanted)?.value ?? tabs[0]?.value ?? "";
  return <Tabs label="Users and rights" value={chosen} tabs={tabs} onChange={(tab) => address.set({ tab, who: "", action: "", topic: "" })} />;
}
