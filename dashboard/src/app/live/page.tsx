import type { Metadata } from "next";
import type { ReactElement } from "react";

import { LivePage } from "@/features/live/live-page";

export const metadata: Metadata = { title: "Dashboard" };

export default function Live(): ReactElement {
  return <LivePage />;
}
