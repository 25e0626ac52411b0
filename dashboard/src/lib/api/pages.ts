/** Lists of the API, which come in pages: `{"items": […], "next": cursor or null}`. */

import type { Send } from "@/lib/api/http";
import { fields, list, optionalText, type Fields } from "@/lib/api/reading";

const MOST_PAGES = 100;

export interface ItemPage<T> {
  readonly items: readonly T[];
  /** The cursor of the next page; `null` at the end. */
  readonly next: string | null;
}

/** One page of *path* (which may carry a query), from *cursor* on; `null` is the first one. */
export async function itemPage<T>(send: Send, path: string, cursor: string | null, read: (item: Fields) => T): Promise<ItemPage<T>> {
  const address = cursor === null ? path : `${path}${path.includes("?") ? "&" : "?"}cursor=${encodeURIComponent(cursor)}`;
  const body = fields((await send({ method: "GET", path: address })).body, path);
  return { items: list(body.items, path).map((each) => read(fields(each, path))), next: optionalText(body, "next") };
}

/** All items of *path*: follows `next` until the end. */
export async function everyItem(send: Send, path: string): Promise<readonly Fields[]> {
  const items: Fields[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const found: ItemPage<Fields> = await itemPage(send, path, cursor, (item) => item);
    items.push(...found.items);
    cursor = found.next;
    if (cursor === null) {
      break;
    }
  }
  return items;
}
