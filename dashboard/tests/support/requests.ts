import type { Answer, Call, Send } from "@/lib/api/http";
import { ApiProblem } from "@/lib/api/problem";

type Reply = unknown;

/** Answers calls by `METHOD path`; a function is asked, an `ApiProblem` is thrown. */
export class FakeApi {
  readonly calls: Call[] = [];
  readonly replies = new Map<string, Reply>();

  readonly send: Send = async (call): Promise<Answer> => {
    await Promise.resolve();
    this.calls.push(call);
    const [path = ""] = call.path.split("?");
    const reply = this.replies.get(`${call.method} ${path}`) ?? new ApiProblem(404, "", "no such call");
    const body: unknown = typeof reply === "function" ? (reply as (call: Call) => unknown)(call) : reply;
    if (body instanceof ApiProblem) {
      throw body;
    }
    return { body, serverTime: null, etag: null };
  };

  count(path: string): number {
    return this.calls.filter((call) => call.path.startsWith(path)).length;
  }
}

/** What login and refresh answer. */
export function grantBody(token: string, mustChange = false): unknown {
  return {
    access_token: token,
    expires_in: 900n,
    must_change_password: mustChange,
    user: { id: "u1", username: "operator", roles: ["OPERATOR"], permissions: ["VIEW_DASHBOARD"] },
  };
}
