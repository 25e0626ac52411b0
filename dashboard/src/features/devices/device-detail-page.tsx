"use client";

import { useSearchParams } from "next/navigation";
import type { ReactElement } from "react";

import { Page } from "@/components/ui/page";

export function DeviceDetailPage(): ReactElement {
  const clientId = useSearchParams().get("id") ?? "";
  return <Page title={clientId}>{null}</Page>;
}
