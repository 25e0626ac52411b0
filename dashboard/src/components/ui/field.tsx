"use client";

import { Label } from "radix-ui";
import { useId, type ComponentProps, type ReactElement } from "react";

import { classes } from "@/components/ui/classes";

export function Input({ className, ...rest }: ComponentProps<"input">): ReactElement {
  return (
    <input
      className={classes(
        "h-10 w-full rounded-md border bg-bg px-3 text-sm text-text transition-colors placeholder:text-faint hover:border-line-strong",
        "aria-invalid:border-down",
        className,
      )}
      {...rest}
    />
  );
}

interface FieldProps extends ComponentProps<"input"> {
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
