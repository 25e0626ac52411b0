import type { Metadata } from "next";
import type { ReactElement } from "react";

import { IntegrationsPage } from "@/features/integrations/integrations-page";

export const metadata: Metadata = { title: "Integrations" };

export default function Integrations(): ReactElement {
  return <IntegrationsPage />;
}
