import { Compass } from "lucide-react";
import Link from "next/link";
import type { ReactElement } from "react";

import { Empty } from "@/components/ui/panel";

export default function NotFound(): ReactElement {
  return (
    <Empty icon={<Compass aria-hidden />} title="There is no such page">
      <Link href="/live/" className="text-accent underline underline-offset-4">
        Go to the dashboard
      </Link>
    </Empty>
  );
}
