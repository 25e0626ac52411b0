"use client";

import type { ReactElement } from "react";

import { Page } from "@/components/ui/page";
import { Allowed } from "@/features/shell/allowed";

export function SettingsPage(): ReactElement {
  return (
    <Allowed permissions={["EDIT_CONFIG"]}>
      <Page title="Settings">{null}</Page>
    </Allowed>
  );
}
