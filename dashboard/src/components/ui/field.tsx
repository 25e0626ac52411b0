"use client";

import { Label } from "radix-ui";
import { useId, type ComponentProps, type ReactElement } from "react";

import { classes } from "@/components/ui/classes";

/** *search*: smaller, with room for a sign on either side. */
export function Input({ look = "form", ...rest }: Omit<ComponentProps<"input">, "className"> & { readonly look?: "form" | "search" }): ReactElement {
  return (
    <input
      className={classes(
        "w-full rounded-md border text-text transition-colors placeholder:text-faint hover:border-line-strong aria-invalid:border-down",
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
  /** Why what stands in it cannot be taken; empty when it can. It stands below the input and is read out. */
  readonly error?: string;
}

/** An input with its label, and a hint and an error that screen readers read with it. */
export function Field({ label, hint, error = "", ...rest }: FieldProps): ReactElement {
  const id = useId();
  const described = [...(hint === undefined ? [] : [`${id}-hint`]), ...(error === "" ? [] : [`${id}-error`])].join(" ");
  return (
    <div className="grid gap-1.5">
      <Label.Root htmlFor={id} className="text-[13px] font-medium text-muted">
        {label}
      </Label.Root>
      <Input id={id} aria-describedby={described === "" ? undefined : described} aria-invalid={error === "" ? undefined : true} {...rest} />
      <FieldError id={`${id}-error`}>{error}</FieldError>
      {hint !== undefined && (
        <p id={`${id}-hint`} className="text-xs text-faint">
          {hint}
        </p>
      )}
    </div>
  );
}

/** Why what stands above it cannot be taken; nothing while the text is empty. */
export function FieldError({ id, children }: { readonly id: string; readonly children: string }): ReactElement | null {
  return children === "" ? null : (
    <p id={id} role="alert" data-testid="field-error" className="text-[13px] text-down">
      {children}
    </p>
  );
}
