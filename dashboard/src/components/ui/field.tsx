"use client";

import { Label } from "radix-ui";
import { useId, type ComponentProps, type ReactElement } from "react";

import { classes } from "@/components/ui/classes";

/** *search*: smaller, with room for a sign on either side. */
export function Input({ look = "form", ...rest }: Omit<ComponentProps<"input">, "className"> & { readonly look?: "form" | "search" }): ReactElement {
  return (
    <input
      className={classes(
        "w-full rounded-md border text-text transition-colors placeholder:text-faint hover:border-line-strong",
        look === "form" ? "h-10 bg-bg px-3 text-sm" : "h-8 bg-surface px-8 text-[13px] [&::-webkit-search-cancel-button]:hidden",
      )}
      {...rest}
    />
  );
}

interface FieldProps extends Omit<ComponentProps<"input">, "className"> {
  readonly label: string;
  /** A line below the input, for people. */
  readonly hint?: string;
}

/** An input with its label, and a hint that screen readers read with it. */
export function Field({ label, hint, ...rest }: FieldProps): ReactElement {
  const id = useId();
  return (
    <div className="grid gap-1.5">
      <Label.Root htmlFor={id} className="text-[13px] font-medium text-muted">
        {label}
      </Label.Root>
      <Input id={id} aria-describedby={hint === undefined ? undefined : `${id}-hint`} {...rest} />
      {hint !== undefined && (
        <p id={`${id}-hint`} className="text-xs text-faint">
          {hint}
        </p>
      )}
    </div>
  );
}
