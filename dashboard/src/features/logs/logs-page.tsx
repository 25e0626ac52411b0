"use client";

import type { ReactElement } from "react";

import { Page } from "@/components/ui/page";
import { Tabs } from "@/components/ui/tabs";
import { AuditTab } from "@/features/logs/audit-tab";
import { useLogAddress } from "@/features/logs/filters";
import { RejectsTab } from "@/features/logs/rejects-tab";
import { SyncTab } from "@/features/logs/sync-tab";
import { Allowed } from "@/features/shell/allowed";

export function LogsPage(): ReactElement {
  return (
    <Allowed permissions={["VIEW_LOGS"]}>
      <Logs />
    </Allowed>
  );
}

function Logs(): ReactElement {
  const { tab, show } = useLogAddress();
  return (
    <Page title="Logs" lead="What was changed, who did what, and which messages were refused. Newest first.">
      <Tabs
        label="Logs"
        value={tab}
        onChange={show}
        tabs={[
          { value: "sync", label: "Sync", content: <SyncTab /> },
          { value: "audit", label: "Audit", content: <AuditTab /> },
          { value: "rejects", label: "Rejected messages", content: <RejectsTab /> },
        ]}
      />
    </Page>
  );
}
