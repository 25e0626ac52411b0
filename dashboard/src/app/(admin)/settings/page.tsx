import type { Metadata } from "next";
import { Suspense, type ReactElement } from "react";

import { SettingsPage } from "@/features/settings/settings-page";

export const metadata: Metadata = { title: "Settings" };

/** The settings; the chosen device stands in the address. */
export default function Settings(): ReactElement {
  return (
    <Suspense>
      <SettingsPage />
    </Suspense>
  );
}
