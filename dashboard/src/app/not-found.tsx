import { Compass } from "lucide-react";
import type { Metadata } from "next";
import Link from "next/link";
import type { ReactElement } from "react";

import { Empty, Panel } from "@/components/ui/panel";

export const metadata: Metadata = { title: "No such page" };

export default function NotFound(): ReactElement {
  return (
    <Panel data-testid="not-found" className="mx-auto max-w-[1600px]">
      <h1 className="sr-only">No such page</h1>
      <Empty icon={<Compass aria-hidden />} title="There is no such page">
        The address may be mistyped or from an older version.
        <Link href="/" className="mt-3 block font-medium text-accent underline underline-offset-4">
          Go to the start
        </Link>
      </Empty>
    </Panel>
  );
}
