import { clsx } from "clsx";

/** Joins class names and drops what is false. Two classes for the same thing must not meet: nothing sorts that out. */
export const classes = clsx;
