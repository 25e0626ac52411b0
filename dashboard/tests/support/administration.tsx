/** A part of an administration page as it stands below the engine and the cache, with an API that answers when told. */

import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import type { ReactElement } from "react";

import { ObservedApi } from "@/lib/api/observed";
import type { Answer, Call } from "@/lib/api/http";
import type { Engine } from "@/lib/engine/engine";
import { EngineContext } from "@/lib/engine/hooks";
import { DeviceStore } from "@/lib/store/devices";
import { ValueStore } from "@/lib/store/value-store";
import { systemClock } from "@/lib/time/clock";

/** jsdom lays nothing out, so nothing ever changes its size. */
class NoResizes implements ResizeObserver {
  observe(): void {
    // Nothing to tell.
  }

  unobserve(): void {
    // Nothing was told.
  }

  disconnect(): void {
    // Nothing was told.
  }
}
globalThis.ResizeObserver = NoResizes;

interface Asked {
  readonly call: Call;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

function isList({ call }: Asked): boolean {
  return call.method === "GET" && /^\/(users|roles|permissions)(\?|$)/u.test(call.path);
}

/** Keeps each call until the test answers it. */
export class SlowApi {
  readonly asked: Asked[] = [];

  readonly send = (call: Call): Promise<Answer> => new Promise((resolve, reject) => this.asked.push({ call, resolve, reject }));

  /** Answers the oldest call of *method* to *path*. */
  answer(method: Call["method"], path: string, body: unknown, serverTime: number | null = null): void {
    this.#take(method, path).resolve({ body, serverTime, etag: '"next"' });
  }

  /** Answers whoever asked for a list: it is empty. */
  answerLists(): void {
    const [lists, others] = [this.asked.filter(isList), this.asked.filter((each) => !isList(each))];
    this.asked.splice(0, this.asked.length, ...others);
    lists.forEach(({ resolve }) => resolve({ body: { items: [], next: null }, serverTime: null, etag: null }));
  }

  refuse(method: Call["method"], path: string, error: Error): void {
    this.#take(method, path).reject(error);
  }

  calls(method: Call["method"], path: string): readonly Call[] {
    return this.asked.map((each) => each.call).filter((call) => call.method === method && call.path === path);
  }

  #take(method: Call["method"], path: string): Asked {
    const at = this.asked.findIndex(({ call }) => call.method === method && call.path === path);
    const [found] = at < 0 ? [] : this.asked.splice(at, 1);
    if (found === undefined) {
      throw new Error(`nobody asked for ${method} ${path}`);
    }
    return found;
  }
}

/** Renders *part* for a signed-in administrator. */
export function renderAdministration(part: ReactElement, api: SlowApi): { readonly unmount: () => void; readonly client: QueryClient } {
  const person = { id: "u-admin", username: "admin", roles: ["ADMIN"], permissions: new Set(["MANAGE_INTEGRATIONS"]) };
  const engine = {
    api: new ObservedApi(api.send, systemClock),
    session: { state: new ValueStore({ phase: "signed-in", person }) },
    linkState: new ValueStore({ phase: "online" }),
    link: { lastPacketAt: 0 },
    refetcher: { busy: new ValueStore(false) },
    devices: new DeviceStore((run) => run(), (run) => run()),
  } as unknown as Engine;
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, networkMode: "always" }, mutations: { networkMode: "always" } } });
  const wrap = (inner: ReactElement): ReactElement => (
    <EngineContext value={engine}>
      <QueryClientProvider client={client}>{inner}</QueryClientProvider>
    </EngineContext>
  );
  const { unmount } = render(wrap(part));
  return { unmount, client };
}
