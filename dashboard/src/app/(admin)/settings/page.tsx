import type { Metadata } from "next";
import type { ReactElement } from "react";

import { SettingsPage } from "@/features/settings/settings-page";

export const metadata: Metadata = { title: "Settings" };

export default function Settings(): ReactElement {
  return <SettingsPage />;
}
