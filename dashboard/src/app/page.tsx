"use client";

import { useRouter } from "next/navigation";
import { useEffect, type ReactElement } from "react";

import { LivePage } from "@/features/live/live-page";
import { Allowed } from "@/features/shell/allowed";
import { firstPage } from "@/features/shell/pages";
import { usePerson } from "@/lib/engine/hooks";

/** The address without a page leads to the first page that is open to the person; the live page is shown meanwhile. */
export default function Home(): ReactElement | null {
  const router = useRouter();
  const first = firstPage(usePerson().permissions);
  useEffect(() => router.replace(first), [router, first]);
  return first === "/live/" ? (
    <Allowed permissions={["VIEW_DASHBOARD"]}>
      <LivePage />
    </Allowed>
  ) : null;
}
