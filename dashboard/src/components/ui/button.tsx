import { cva, type VariantProps } from "class-variance-authority";
import type { ComponentProps, ReactElement } from "react";

import { classes } from "@/components/ui/classes";

const button = cva(
  "inline-flex items-center justify-center gap-1.5 rounded-md font-medium whitespace-nowrap transition-colors select-none disabled:opacity-50 disabled:pointer-events-none [&_svg]:size-4 [&_svg]:shrink-0",
  {
    variants: {
      tone: {
        primary: "bg-accent text-on-accent hover:brightness-110",
        plain: "border bg-surface text-text hover:bg-raised hover:border-line-strong",
        // On the plain surface: a tinted one takes the contrast from the light theme.
        danger: "border border-down/40 bg-surface text-down hover:border-down",
        quiet: "text-muted hover:text-text hover:bg-raised",
      },
      size: { small: "h-7 px-2 text-xs", compact: "h-8 px-1.5 text-[13px] sm:px-2", medium: "h-8 px-3 text-[13px]", large: "h-10 px-4 text-sm", icon: "size-8" },
    },
    defaultVariants: { tone: "plain", size: "medium" },
  },
);

export function Button({ tone, size, className, ...rest }: ComponentProps<"button"> & VariantProps<typeof button>): ReactElement {
  return <button type="button" className={classes(button({ tone, size }), className)} {...rest} />;
}
