"use client";

import { useRouter } from "next/navigation";
import { useEffect, type ReactElement } from "react";

import { LivePage } from "@/features/live/live-page";

/** The address without a page leads to the live page, which is shown meanwhile. */
export default function Home(): ReactElement {
  const router = useRouter();
  useEffect(() => router.replace("/live/"), [router]);
  return <LivePage />;
}
