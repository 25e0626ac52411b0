import type { Metadata } from "next";
import type { ReactElement } from "react";

import { LivePage } from "@/features/live/live-page";
import { Allowed } from "@/features/shell/allowed";

export const metadata: Metadata = { title: "Dashboard" };

export default function Live(): ReactElement {
  return (
    <Allowed permissions={["VIEW_DASHBOARD"]}>
      <LivePage />
    </Allowed>
  );
}
