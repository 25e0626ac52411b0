"use client";

import { useQuery, useQueryClient, type InfiniteData } from "@tanstack/react-query";
import { ArrowUp, ScrollText } from "lucide-react";
import { useEffect, useState, useSyncExternalStore, type ReactElement, type ReactNode } from "react";

import { Button } from "@/components/ui/button";
import { DataTable, type Column } from "@/components/ui/data-table";
import { Empty } from "@/components/ui/panel";
import { PAGE_ITEMS } from "@/features/logs/filters";
import { itemPage, type ItemPage } from "@/lib/api/pages";
import { wholeNumber, type Fields } from "@/lib/api/reading";
import { useEngine } from "@/lib/engine/hooks";
import { useList, type ListState } from "@/lib/query/hooks";

const LOOK_MS = 5_000;
/** Further down somebody is reading, and the rows must not move below the eyes. */
const AT_TOP_PX = 160;

interface LogListProps<T> {
  readonly label: string;
  readonly path: string;
  readonly read: (item: Fields) => T;
  readonly columns: (onOpen: (entry: T) => void) => readonly Column<T>[];
  readonly rowTestId: string;
  /** Whether filters are set, so that an empty list can say so. */
  readonly isFiltered: boolean;
  readonly onClear: () => void;
  /** What an empty log means. */
  readonly emptyTitle: string;
  readonly emptyText: string;
  readonly details: (entry: T, onClose: () => void) => ReactNode;
}

/** A log, newest first; new entries come by themselves while the first page is looked at, and are announced below it. */
export function LogList<T extends { readonly id: bigint }>(props: LogListProps<T>): ReactElement {
  const { label, path, read, columns, rowTestId, details } = props;
  const list = useList(path, read);
  const [open, setOpen] = useState<T | null>(null);
  const { hasNewer, showNewest } = useNewer(path, list);
  return (
    <div className="relative">
      {hasNewer && (
        <div className="sticky top-14 z-10 flex h-0 justify-center">
          <Button tone="primary" size="small" className="mt-2 shadow-float" data-testid="newer" onClick={showNewest}>
            <ArrowUp aria-hidden />
            Newer entries
          </Button>
        </div>
      )}
      <DataTable
        label={label}
        columns={columns(setOpen)}
        list={list}
        rowKey={(entry) => String(entry.id)}
        rowTestId={rowTestId}
        empty={<EmptyLog {...props} />}
      />
      {open !== null && details(open, () => setOpen(null))}
    </div>
  );
}

function EmptyLog<T>({ isFiltered, onClear, emptyTitle, emptyText }: LogListProps<T>): ReactElement {
  return (
    <>
      <Empty icon={<ScrollText aria-hidden />} title={isFiltered ? "Nothing matches the filters" : emptyTitle}>
        {isFiltered ? "Choose a longer period or fewer filters." : emptyText}
      </Empty>
      {isFiltered && (
        <p className="-mt-6 pb-10 text-center">
          <Button onClick={onClear}>Clear the filters</Button>
        </p>
      )}
    </>
  );
}

interface Newer {
  readonly hasNewer: boolean;
  readonly showNewest: () => void;
}

/** Looks at the newest entry alone; the list is read anew when there is one that it does not have. */
function useNewer<T extends { readonly id: bigint }>(path: string, list: ListState<T>): Newer {
  const client = useQueryClient();
  const newest = useNewest(path, list.phase === "ready");
  const isAtTop = useSyncExternalStore(onScroll, isScrolledToTop, () => true);
  const isNewer = list.phase === "ready" && newest !== null && newest > (list.items[0]?.id ?? -1n);
  const isQuiet = isAtTop && list.items.length <= PAGE_ITEMS;
  useEffect(() => {
    if (isNewer && isQuiet) {
      void client.invalidateQueries({ queryKey: keyOf(path) });
    }
  }, [client, path, newest, isNewer, isQuiet]);
  return {
    hasNewer: isNewer && !isQuiet,
    showNewest: () => {
      // Further pages would be read one after the other.
      client.setQueryData<InfiniteData<ItemPage<T>>>(keyOf(path), (data) => data && { pages: data.pages.slice(0, 1), pageParams: data.pageParams.slice(0, 1) });
      void client.invalidateQueries({ queryKey: keyOf(path) });
      window.scrollTo({ top: 0 });
    },
  };
}

/** The number of the newest entry under *path*; `null` while it is not known. */
function useNewest(path: string, enabled: boolean): bigint | null {
  const { api } = useEngine();
  const look = path.replace(`limit=${PAGE_ITEMS}`, "limit=1");
  const newest = useQuery({
    queryKey: ["newest-entry", path],
    queryFn: async () => (await itemPage(api.send, look, null, (item) => wholeNumber(item, "id"))).items[0] ?? null,
    refetchInterval: LOOK_MS,
    enabled,
  });
  return newest.data ?? null;
}

/** As `useList` keeps it. */
function keyOf(path: string): readonly [string, string] {
  return [path.split("?")[0] ?? path, path];
}

function onScroll(run: () => void): () => void {
  window.addEventListener("scroll", run, { passive: true });
  return () => window.removeEventListener("scroll", run);
}

const isScrolledToTop = (): boolean => window.scrollY < AT_TOP_PX;
