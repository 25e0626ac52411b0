import { clsx, type ClassValue } from "clsx";
import { twMerge } from "tailwind-merge";

/** Joins class names; of two Tailwind classes for the same thing the later one holds. */
export function classes(...values: ClassValue[]): string {
  return twMerge(clsx(values));
}
