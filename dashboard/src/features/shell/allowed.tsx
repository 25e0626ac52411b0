"use client";

import { Lock } from "lucide-react";
import type { ReactElement, ReactNode } from "react";

import { Empty, Panel } from "@/components/ui/panel";
import { usePerson } from "@/lib/engine/hooks";

/** Whether the signed-in person holds *permission*. What they cannot do is not offered; the API refuses all the same. */
export function useAllowed(permission: string): boolean {
  return usePerson().permissions.has(permission);
}

interface AllowedProps {
  /** One of these opens the page. */
  readonly permissions: readonly string[];
  readonly children: ReactNode;
}

/** Shows a page to those who may see it, and to the others what they would need. */
export function Allowed({ permissions, children }: AllowedProps): ReactElement {
  const person = usePerson();
  if (permissions.some((each) => person.permissions.has(each))) {
    return <>{children}</>;
  }
  return (
    <Panel data-testid="forbidden" className="mx-auto max-w-[1600px]">
      <Empty icon={<Lock aria-hidden />} title="This page is not open to you">
        It needs the permission {permissions.join(" or ")}. An administrator can give {person.username} a role that has it.
      </Empty>
    </Panel>
  );
}
