import type { Metadata } from "next";
import { Suspense, type ReactElement } from "react";

import { DeviceDetailPage } from "@/features/devices/device-detail-page";

export const metadata: Metadata = { title: "Device" };

/** One device, named in the address by `?id=`: the pages are files, and devices come and go. */
export default function DeviceDetail(): ReactElement {
  return (
    <Suspense>
      <DeviceDetailPage />
    </Suspense>
  );
}
