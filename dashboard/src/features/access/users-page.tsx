"use client";

import type { ReactElement } from "react";

import { Page } from "@/components/ui/page";
import { Allowed } from "@/features/shell/allowed";

export function UsersPage(): ReactElement {
  return (
    <Allowed permissions={["MANAGE_USERS", "MANAGE_ROLES"]}>
      <Page title="Users">{null}</Page>
    </Allowed>
  );
}
