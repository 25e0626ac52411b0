import type { ReactElement, ReactNode } from "react";

import { QueryProvider } from "@/lib/query/provider";

/** The pages that read lists and send changes; the live page needs no query cache and does not load one. */
export default function AdministrationLayout({ children }: { readonly children: ReactNode }): ReactElement {
  return <QueryProvider>{children}</QueryProvider>;
}
