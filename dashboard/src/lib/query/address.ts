"use client";

/** What is chosen on a page stands in its address, so that it can be sent to somebody and survives a reload. */

import { useSearchParams } from "next/navigation";

type Changes = Readonly<Record<string, string>>;

interface Address {
  /** The parameter's text; empty when it is not there. */
  readonly get: (name: string) => string;
  /** Sets parameters, an empty text takes one away. *step*: whether the browser's Back returns to how it was. */
  readonly set: (changes: Changes, step?: boolean) => void;
}

/** Reads and changes the address's query. Needs a `Suspense` above it, since an exported page has no query. */
export function useAddress(): Address {
  const search = useSearchParams();
  return {
    get: (name) => search.get(name) ?? "",
    set: (changes, step = true) => {
      const next = new URLSearchParams(window.location.search);
      for (const [name, value] of Object.entries(changes)) {
        if (value === "") {
          next.delete(name);
        } else {
          next.set(name, value);
        }
      }
      const query = next.toString();
      const address = `${window.location.pathname}${query === "" ? "" : `?${query}`}`;
      // The page is the same file whatever the query: nothing has to be fetched, so the router is only told.
      window.history[step ? "pushState" : "replaceState"](null, "", address);
    },
  };
}
