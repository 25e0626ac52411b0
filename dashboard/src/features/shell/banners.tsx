"use client";

import { CircleAlert, TriangleAlert } from "lucide-react";
import type { ReactElement } from "react";

import { classes } from "@/components/ui/classes";
import { RightsChange } from "@/features/shell/rights-change";
import { useTroubles } from "@/features/shell/troubles";
import type { Trouble } from "@/lib/store/troubles";

/** Everything that is wrong at present; each stands until its cause is gone. */
export function Banners(): ReactElement {
  const troubles = useTroubles();
  return (
    <div aria-live="polite" className="bg-surface">
      {troubles.map((trouble) => (
        <Banner key={trouble.id} trouble={trouble} />
      ))}
      <RightsChange />
    </div>
  );
}

function Banner({ trouble }: { readonly trouble: Trouble }): ReactElement {
  const isError = trouble.severity === "error";
  const Icon = isError ? CircleAlert : TriangleAlert;
  return (
    <div
      data-testid="banner"
      data-trouble={trouble.id}
      className={classes(
        "appear flex items-start gap-2.5 border-b px-4 py-2.5 text-[13px]",
        isError ? "border-down/30 bg-down/10" : "border-warn/30 bg-warn/10",
      )}
    >
      <Icon aria-hidden className={classes("mt-px size-4 shrink-0", isError ? "text-down" : "text-warn")} />
      <p>
        <span className="font-semibold">{trouble.title}.</span> <span className="text-muted">{trouble.text}</span>
      </p>
    </div>
  );
}
