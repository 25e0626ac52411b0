import type { ReactElement, ReactNode } from "react";

import { Button } from "@/components/ui/button";
import { classes } from "@/components/ui/classes";
import { Notice } from "@/components/ui/notice";
import { Skeleton } from "@/components/ui/panel";
import type { ListState } from "@/lib/query/hooks";

const HIDDEN_BELOW = { sm: "max-sm:hidden", md: "max-md:hidden", lg: "max-lg:hidden", xl: "max-xl:hidden" } as const;

export interface Column<T> {
  readonly key: string;
  readonly header: ReactNode;
  readonly cell: (row: T) => ReactNode;
  /** The width of the window below which this column gives way. */
  readonly hiddenBelow?: keyof typeof HIDDEN_BELOW;
  readonly align?: "left" | "right";
  /** Long text may break; by default a cell stays on one line. */
  readonly wrap?: boolean;
}

interface DataTableProps<T> {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly list: ListState<T>;
  readonly rowKey: (row: T) => string;
  readonly rowTestId?: string;
  /** What stands there when the list is empty. */
  readonly empty: ReactNode;
}

/** A list of the API as a table, in each of its states: loading, failed, empty, filled, with more to come. */
export function DataTable<T>({ label, columns, list, rowKey, rowTestId, empty }: DataTableProps<T>): ReactElement {
  const trouble = list.trouble === "" ? null : (
    <div className="p-3">
      <Notice tone="down" action={<Button size="small" onClick={list.again}>Try again</Button>}>
        {list.trouble}
      </Notice>
    </div>
  );
  if (list.phase !== "ready") {
    return trouble ?? <TableSkeleton label={label} />;
  }
  return (
    <>
      {trouble}
      {list.items.length === 0 ? empty : <Filled {...{ label, columns, rowKey, rowTestId }} rows={list.items} />}
      {list.hasMore && (
        <div className="border-t p-3 text-center">
          <Button onClick={list.more} disabled={list.loadingMore} data-testid="more">
            {list.loadingMore ? "Loading …" : "Show more"}
          </Button>
        </div>
      )}
    </>
  );
}

interface FilledProps<T> extends Pick<DataTableProps<T>, "label" | "columns" | "rowKey"> {
  readonly rows: readonly T[];
  readonly rowTestId: string | undefined;
}

function Filled<T>({ label, columns, rowKey, rowTestId, rows }: FilledProps<T>): ReactElement {
  return (
    <div className="overflow-x-auto">
      <table aria-label={label} className="w-full text-left text-[13px]">
        <thead>
          <tr className="border-b text-xs text-muted">
            {columns.map((column) => (
              <th key={column.key} scope="col" className={classes("px-4 py-2 font-medium whitespace-nowrap max-sm:px-2.5", column.align === "right" && "text-right", column.hiddenBelow && HIDDEN_BELOW[column.hiddenBelow])}>
                {column.header}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y">
          {rows.map((row) => (
            <tr key={rowKey(row)} data-testid={rowTestId} data-key={rowKey(row)} className="relative hover:bg-raised">
              {columns.map((column) => (
                <td
                  key={column.key}
                  className={classes(
                    "num px-4 py-2.5 align-top max-sm:px-2.5",
                    column.wrap ? "min-w-40 break-words" : "whitespace-nowrap",
                    column.align === "right" && "text-right",
                    column.hiddenBelow && HIDDEN_BELOW[column.hiddenBelow],
                  )}
                >
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function TableSkeleton({ label }: { readonly label: string }): ReactElement {
  return (
    <div role="status" className="grid gap-2 p-4">
      <span className="sr-only">Loading {label}</span>
      {Array.from({ length: 5 }, (_, index) => (
        <Skeleton key={index} className="h-9" />
      ))}
    </div>
  );
}
