import type { Metadata } from "next";
import { Suspense, type ReactElement } from "react";

import { LogsPage } from "@/features/logs/logs-page";

export const metadata: Metadata = { title: "Logs" };

/** The logs; tab and filters stand in the address. */
export default function Logs(): ReactElement {
  return (
    <Suspense>
      <LogsPage />
    </Suspense>
  );
}
