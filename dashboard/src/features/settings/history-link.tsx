"use client";

import Link from "next/link";
import type { ReactElement } from "react";

import { useAllowed } from "@/features/shell/allowed";

/** Leads to who has changed a setting so far, for those who may see the logs. */
export function HistoryLink({ settingKey, device }: { readonly settingKey: string; readonly device: string }): ReactElement | null {
  const query = new URLSearchParams({ tab: "audit", kind: "setting", record: `${settingKey}/${device}` });
  return useAllowed("VIEW_LOGS") ? (
    <Link href={`/logs/?${query.toString()}`} prefetch={false} className="justify-self-start text-xs text-accent underline underline-offset-2">
      History
    </Link>
  ) : null;
}
