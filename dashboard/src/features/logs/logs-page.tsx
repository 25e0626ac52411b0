"use client";

import type { ReactElement } from "react";

import { Page } from "@/components/ui/page";
import { Allowed } from "@/features/shell/allowed";

export function LogsPage(): ReactElement {
  return (
    <Allowed permissions={["VIEW_LOGS"]}>
      <Page title="Logs">{null}</Page>
    </Allowed>
  );
}
