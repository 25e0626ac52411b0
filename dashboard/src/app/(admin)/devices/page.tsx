import type { Metadata } from "next";
import type { ReactElement } from "react";

import { DevicesPage } from "@/features/devices/devices-page";

export const metadata: Metadata = { title: "Devices" };

export default function Devices(): ReactElement {
  return <DevicesPage />;
}
