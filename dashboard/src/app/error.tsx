"use client";

import { TriangleAlert } from "lucide-react";
import type { ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Empty } from "@/components/ui/panel";

/** Stands in for a page that broke while drawing, so that nobody ever faces a blank screen. */
export default function PageError({ reset }: { readonly reset: () => void }): ReactElement {
  return (
    <div role="alert">
      <Empty icon={<TriangleAlert aria-hidden />} title="This page broke while it was drawn">
        Readings are not affected: they are archived all the same.
        <Button tone="primary" className="mx-auto mt-4 flex" onClick={reset}>
          Draw it again
        </Button>
      </Empty>
    </div>
  );
}
