"use client";

import type { ReactElement } from "react";

import { Page } from "@/components/ui/page";
import { Allowed } from "@/features/shell/allowed";

export function IntegrationsPage(): ReactElement {
  return (
    <Allowed permissions={["MANAGE_INTEGRATIONS"]}>
      <Page title="Integrations">{null}</Page>
    </Allowed>
  );
}
