import { expect, test } from "vitest";

import { ApiProblem } from "@/lib/api/problem";
import { Session, type Grant } from "@/lib/api/session";
import type { TabShare } from "@/lib/api/tab-share";
import { FakeClock, settle } from "../support/fake-clock";
import { FakeApi, grantBody } from "../support/requests";

/** Tabs of one browser: one refresh at a time; who waited takes what the other got. */
class FakeBrowser {
  #busy: Promise<Grant> | null = null;
  readonly #tabs: { grant: (grant: Grant) => void; signOut: (notice: string) => void }[] = [];

  tab(): TabShare {
    const own: { grant: (grant: Grant) => void; signOut: (notice: string) => void } = { grant: () => undefined, signOut: () => undefined };
    this.#tabs.push(own);
    const others = (): (typeof own)[] => this.#tabs.filter((each) => each !== own);
    return {
      oneAtATime: (_held, ask) => (this.#busy ??= ask().finally(() => (this.#busy = null))),
      tellGrant: (grant) => others().forEach((each) => each.grant(grant)),
      tellSignOut: (notice) => others().forEach((each) => each.signOut(notice)),
      onGrant: (run) => (own.grant = run),
      onSignOut: (run) => (own.signOut = run),
    };
  }
}

function world(): { api: FakeApi; clock: FakeClock; browser: FakeBrowser; session: Session } {
  const api = new FakeApi();
  const clock = new FakeClock();
  const browser = new FakeBrowser();
  return { api, clock, browser, session: new Session(api.send, clock, browser.tab()) };
}

const REFUSED = new ApiProblem(401, "", "refused");

test("restore_with_a_good_cookie_is_signed_in", async () => {
  const { api, session } = world();
  api.replies.set("POST /auth/refresh", grantBody("t1"));
  await session.restore();
  expect(session.state.get()).toMatchObject({ phase: "signed-in", person: { username: "operator" } });
});

test("restore_without_a_cookie_is_signed_out_without_a_word", async () => {
  const { api, session } = world();
  api.replies.set("POST /auth/refresh", REFUSED);
  await session.restore();
  expect(session.state.get()).toEqual({ phase: "signed-out", notice: "" });
});

test("restore_with_the_server_away_says_so_and_tries_again", async () => {
  const { api, clock, session } = world();
  api.replies.set("POST /auth/refresh", new ApiProblem(0, "", "cannot be reached"));
  await session.restore();
  expect(session.state.get()).toEqual({ phase: "restoring", trouble: "cannot be reached" });
  api.replies.set("POST /auth/refresh", grantBody("t1"));
  await clock.advance(5_000);
  expect(session.state.get().phase).toBe("signed-in");
});

test("signIn_with_a_password_to_change_opens_nothing_else", async () => {
  const { api, session } = world();
  api.replies.set("POST /auth/login", grantBody("t1", true));
  await session.signIn("operator", "first");
  expect(session.state.get().phase).toBe("must-change");
  expect(session.asksForCurrent).toBe(false);
});

test("changePassword_uses_the_one_just_typed_and_goes_on_with_the_new_session", async () => {
  const { api, session } = world();
  api.replies.set("POST /auth/login", grantBody("t1", true));
  await session.signIn("operator", "first");
  api.replies.set("POST /auth/password", grantBody("t2"));
  await session.changePassword("", "a-better-one-5");
  expect(api.calls.find((call) => call.path === "/auth/password")?.body).toEqual({ current: "first", new: "a-better-one-5" });
  expect(session.state.get().phase).toBe("signed-in");
  expect(session.asksForCurrent).toBe(true);
});

test("send_with_an_old_token_refreshes_first", async () => {
  const { api, clock, session } = world();
  api.replies.set("POST /auth/login", grantBody("t1"));
  await session.signIn("operator", "p");
  api.replies.set("POST /auth/refresh", grantBody("t2"));
  api.replies.set("GET /devices", {});
  await clock.advance(900_000 * 0.8);
  await session.send({ method: "GET", path: "/devices" });
  expect(api.calls.at(-1)?.bearer).toBe("t2");
});

test("send_refused_once_refreshes_and_goes_again", async () => {
  const { api, session } = world();
  api.replies.set("POST /auth/login", grantBody("t1"));
  await session.signIn("operator", "p");
  api.replies.set("POST /auth/refresh", grantBody("t2"));
  api.replies.set("GET /devices", (call: { bearer?: string }) => (call.bearer === "t2" ? { ok: true } : REFUSED));
  expect((await session.send({ method: "GET", path: "/devices" })).body).toEqual({ ok: true });
});

test("send_when_the_password_must_change_in_the_meantime_asks_for_it", async () => {
  const { api, session } = world();
  api.replies.set("POST /auth/login", grantBody("t1"));
  await session.signIn("operator", "p");
  api.replies.set("POST /auth/refresh", grantBody("t2", true));
  api.replies.set("GET /devices", new ApiProblem(403, "password-change-required", "change it"));
  await expect(session.send({ method: "GET", path: "/devices" })).rejects.toThrow("change it");
  expect(session.state.get().phase).toBe("must-change");
});

test("send_with_the_session_over_ends_it_visibly", async () => {
  const { api, session } = world();
  api.replies.set("POST /auth/login", grantBody("t1"));
  await session.signIn("operator", "p");
  api.replies.set("POST /auth/refresh", REFUSED);
  api.replies.set("GET /devices", REFUSED);
  await expect(session.send({ method: "GET", path: "/devices" })).rejects.toThrow(ApiProblem);
  const state = session.state.get();
  expect(state.phase).toBe("signed-out");
  expect(state.phase === "signed-out" && state.notice).toMatch(/ended/u);
});

test("send_with_the_server_away_does_not_end_the_session", async () => {
  const { api, clock, session } = world();
  api.replies.set("POST /auth/login", grantBody("t1"));
  await session.signIn("operator", "p");
  await clock.advance(900_000);
  api.replies.set("POST /auth/refresh", new ApiProblem(503, "", "away"));
  await expect(session.send({ method: "GET", path: "/devices" })).rejects.toThrow("away");
  expect(session.state.get().phase).toBe("signed-in");
});

test("two_tabs_and_many_calls_share_one_refresh", async () => {
  const { api, browser, session } = world();
  const other = new Session(api.send, new FakeClock(), browser.tab());
  api.replies.set("POST /auth/refresh", grantBody("t1"));
  api.replies.set("GET /devices", {});
  await Promise.all([session.send({ method: "GET", path: "/devices" }), session.send({ method: "GET", path: "/devices" }), other.restore()]);
  expect(api.count("/auth/refresh")).toBe(1);
  expect(other.state.get().phase).toBe("signed-in");
});

test("signIn_and_signOut_reach_the_other_tab", async () => {
  const { api, browser, session } = world();
  const other = new Session(api.send, new FakeClock(), browser.tab());
  api.replies.set("POST /auth/login", grantBody("t1"));
  await session.signIn("operator", "p");
  expect(other.state.get().phase).toBe("signed-in");
  api.replies.set("POST /auth/logout", {});
  session.signOut();
  expect(other.state.get()).toEqual({ phase: "signed-out", notice: "You signed out in another tab." });
  expect(session.state.get().phase).toBe("signed-out");
});

test("signOut_that_the_server_did_not_hear_is_one_here_and_is_told_until_it_hears", async () => {
  const { api, clock, session } = world();
  api.replies.set("POST /auth/login", grantBody("t1"));
  await session.signIn("operator", "p");
  api.replies.set("POST /auth/logout", new ApiProblem(0, "", "away"));
  session.signOut();
  expect(session.state.get()).toEqual({ phase: "signed-out", notice: "" });
  await settle();
  expect(session.state.get()).toMatchObject({ notice: expect.stringMatching(/could not be told/u) as string });
  api.replies.set("POST /auth/logout", {});
  await clock.advance(3_000);
  expect(api.count("/auth/logout")).toBe(2);
  expect(session.state.get()).toEqual({ phase: "signed-out", notice: "" });
});

test("refresh_that_answers_after_the_sign_out_brings_nobody_back", async () => {
  const { api, session } = world();
  api.replies.set("POST /auth/login", grantBody("t1"));
  await session.signIn("operator", "p");
  api.replies.set("GET /devices", REFUSED);
  api.replies.set("POST /auth/refresh", () => {
    session.signOut();
    return grantBody("t2");
  });
  await session.send({ method: "GET", path: "/devices" }).catch(() => undefined);
  expect(session.state.get().phase).toBe("signed-out");
});

test.each([
  ["EXPIRED", /run out/u],
  ["ACCOUNT_ENDED", /deactivated/u],
  ["PASSWORD_CHANGED", /password of this account was changed/u],
  ["REUSED", /ended for safety/u],
  ["something new", /has ended/u],
])("session_that_ended_for_%s_says_so_in_every_tab", async (reason, said) => {
  const { api, browser, session } = world();
  const other = new Session(api.send, new FakeClock(), browser.tab());
  api.replies.set("POST /auth/login", grantBody("t1"));
  await session.signIn("operator", "p");
  api.replies.set("POST /auth/refresh", new ApiProblem(401, "refresh-refused", "over", null, { reason }));
  api.replies.set("GET /devices", REFUSED);
  await expect(session.send({ method: "GET", path: "/devices" })).rejects.toThrow(ApiProblem);
  for (const each of [session, other]) {
    expect(each.state.get()).toMatchObject({ phase: "signed-out", notice: expect.stringMatching(said) as string });
  }
});

test("rights_are_renewed_in_time_with_nobody_calling", async () => {
  const { api, clock, session } = world();
  api.replies.set("POST /auth/login", grantBody("t1"));
  await session.signIn("operator", "p");
  api.replies.set("POST /auth/refresh", grantBody("t2"));
  await clock.advance(900_000 * 0.8);
  expect(api.count("/auth/refresh")).toBe(1);
});

test("call_refused_for_want_of_a_permission_renews_the_rights", async () => {
  const { api, clock, session } = world();
  api.replies.set("POST /auth/login", grantBody("t1"));
  await session.signIn("operator", "p");
  await clock.advance(5_000);
  const without = grantBody("t2") as { user: { permissions: string[] } };
  without.user.permissions = [];
  api.replies.set("POST /auth/refresh", without);
  api.replies.set("GET /logs/audit", new ApiProblem(403, "permission-missing", "no"));
  await expect(session.send({ method: "GET", path: "/logs/audit" })).rejects.toThrow("no");
  expect(session.state.get()).toMatchObject({ person: { permissions: new Set() } });
});
