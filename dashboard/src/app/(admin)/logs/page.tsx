import type { Metadata } from "next";
import type { ReactElement } from "react";

import { LogsPage } from "@/features/logs/logs-page";

export const metadata: Metadata = { title: "Logs" };

export default function Logs(): ReactElement {
  return <LogsPage />;
}
