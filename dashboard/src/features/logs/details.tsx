import type { ReactElement, ReactNode } from "react";

import { classes } from "@/components/ui/classes";
import type { Difference } from "@/features/logs/differences";

/** Names and what they hold, one below the other. */
export function Facts({ facts }: { readonly facts: readonly (readonly [string, ReactNode])[] }): ReactElement {
  return (
    <dl className="grid grid-cols-[max-content_minmax(0,1fr)] gap-x-4 gap-y-1.5 text-[13px]">
      {facts
        .filter(([, fact]) => fact !== null && fact !== "")
        .map(([name, fact]) => (
          <div key={name} className="contents">
            <dt className="text-muted">{name}</dt>
            <dd className="num min-w-0 wrap-anywhere">{fact}</dd>
          </div>
        ))}
    </dl>
  );
}

export function Mono({ children }: { readonly children: string }): ReactElement {
  return <span className="font-mono text-xs break-all">{children}</span>;
}

/** How the two sides of what changed stand out. */
export type Looks = readonly [string, string];
const CHANGED: Looks = ["bg-down/10", "bg-ok/10"];

/** A record's state before and after, field by field; what changed stands out. */
export function DifferenceTable({ rows, labels, looks = CHANGED }: { readonly rows: readonly Difference[]; readonly labels: readonly [string, string]; readonly looks?: Looks }): ReactElement {
  return (
    <div className="overflow-x-auto rounded-md border">
      <table aria-label={`${labels[0]} and ${labels[1]}`} data-testid="differences" className="w-full text-left text-[13px]">
        <thead>
          <tr className="border-b text-xs text-muted">
            {["Field", ...labels].map((each) => (
              <th key={each} scope="col" className="px-3 py-1.5 font-medium">
                {each}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y">
          {rows.map((row) => (
            <tr key={row.name} data-testid="difference" data-field={row.name} data-changed={row.isChanged} className={classes("align-top", !row.isChanged && "text-muted")}>
              <th scope="row" className="px-3 py-1.5 font-medium break-words">
                {row.name}
              </th>
              <State text={row.before} look={row.isChanged ? looks[0] : ""} testId="before" />
              <State text={row.after} look={row.isChanged ? looks[1] : ""} testId="after" />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function State({ text, look, testId }: { readonly text: string | null; readonly look: string; readonly testId: string }): ReactElement {
  return (
    <td data-testid={testId} className={classes("num w-1/2 px-3 py-1.5 wrap-anywhere whitespace-pre-wrap", text !== null && look)}>
      {text ?? <span className="text-faint">–</span>}
    </td>
  );
}

const MOST_SUMMED_UP = 2;

/** The first changes of a row on one line each. */
export function ChangeSummary({ rows }: { readonly rows: readonly Difference[] }): ReactElement {
  const changed = rows.filter((each) => each.isChanged);
  const more = changed.length - MOST_SUMMED_UP;
  return (
    <span data-testid="change-summary" className="grid max-w-xl gap-0.5 text-xs">
      {changed.slice(0, MOST_SUMMED_UP).map((each) => (
        <span key={each.name} className="line-clamp-2 wrap-anywhere">
          <span className="text-muted">{each.name}: </span>
          {each.before !== null && <span>{each.before} → </span>}
          <span>{each.after ?? "–"}</span>
        </span>
      ))}
      {more > 0 && <span className="text-faint">and {more} more</span>}
    </span>
  );
}
