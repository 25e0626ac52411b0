"use client";

import { TriangleAlert } from "lucide-react";
import type { ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Empty, Panel } from "@/components/ui/panel";

interface PageErrorProps {
  readonly error: Error;
  readonly reset: () => void;
}

/** Stands in for a page that broke while drawing, so that nobody ever faces a blank screen. */
export default function PageError({ error, reset }: PageErrorProps): ReactElement {
  return (
    <Panel role="alert" data-testid="page-error" className="mx-auto max-w-[1600px]">
      <h1 className="sr-only">This page broke</h1>
      <Empty icon={<TriangleAlert aria-hidden />} title="This page broke while it was drawn">
        Readings are not affected: they are archived all the same. If it happens again, load the page anew, and tell whoever runs this system what it says here:
        <span className="mt-2 block font-mono text-xs break-words">{error.message.slice(0, 300)}</span>
        <span className="mt-4 flex justify-center gap-2">
          <Button tone="primary" onClick={reset}>
            Draw it again
          </Button>
          <Button onClick={() => window.location.reload()}>Load the page anew</Button>
        </span>
      </Empty>
    </Panel>
  );
}
