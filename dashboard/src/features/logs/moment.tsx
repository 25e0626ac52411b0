import type { ReactElement } from "react";

import { formatClock, formatDateTime } from "@/lib/values/format";

const DAY = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric" });

/** When something happened: the time of day, and the day beside it. */
export function Moment({ at }: { readonly at: number }): ReactElement {
  return (
    <time dateTime={new Date(at).toISOString()} title={formatDateTime(at)} className="inline-flex flex-wrap gap-x-1.5">
      {formatClock(at)}
      <span className="text-faint">{DAY.format(at)}</span>
    </time>
  );
}
