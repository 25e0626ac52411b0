// @vitest-environment jsdom

/** The windows of the Users page while the server takes its time. */

import { focusManager } from "@tanstack/react-query";
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { CheckList } from "@/features/access/check-list";
import { Ending } from "@/features/access/ending";
import { NewPassword } from "@/features/access/new-password-dialog";
import { NewUser } from "@/features/access/new-user";
import { NewPermission, PermissionDialog } from "@/features/access/permission-dialog";
import { Reactivating } from "@/features/access/reactivating";
import { NewRole, RoleDialog } from "@/features/access/role-dialog";
import { UserDialog } from "@/features/access/user-dialog";
import type { Permission, Role, User } from "@/lib/api/access";
import { ApiProblem } from "@/lib/api/problem";
import { renderAdministration, SlowApi } from "../support/administration";

const ANN: User = { id: "u-1", name: "ann", etag: '"1"', updatedAt: 0, updatedBy: "user:admin", source: "web", isActive: false, roles: ["VIEWER"] };
const CRANES: Role = { id: "r-1", name: "CRANES", description: "", permissions: [], etag: '"1"', updatedAt: 0, updatedBy: "user:admin", source: "web" };
const WATCH: Permission = { id: "p-1", name: "WATCH", description: "", rules: [], etag: '"1"', updatedAt: 0, updatedBy: "user:admin", source: "web" };
const ANSWER = { id: "u-1", username: "ann", is_active: true, roles: ["VIEWER"], updated_at: "2026-01-02T00:00:00.000Z", updated_by: "user:admin", source: "web" };

let api: SlowApi;

beforeEach(() => {
  api = new SlowApi();
});
afterEach(() => {
  vi.useRealTimers();
  cleanup();
  focusManager.setFocused(undefined);
});

const patched = (): Promise<void> => waitFor(() => expect(api.calls("PATCH", "/users/u-1")).toHaveLength(1));

describe("an answer that comes after its window was closed", () => {
  it("closes no other window", async () => {
    const onClose = vi.fn();
    const { unmount, client } = renderAdministration(<Reactivating user={ANN} onClose={onClose} />, api);
    fireEvent.click(screen.getByTestId("confirm"));
    await patched();
    unmount();
    api.answer("PATCH", "/users/u-1", ANSWER);
    await waitFor(() => expect(client.isMutating()).toBe(0));
    expect(onClose).not.toHaveBeenCalled();
  });

  it("closes its own window while that is open", async () => {
    const onClose = vi.fn();
    renderAdministration(<Reactivating user={ANN} onClose={onClose} />, api);
    fireEvent.click(screen.getByTestId("confirm"));
    await patched();
    api.answer("PATCH", "/users/u-1", ANSWER);
    await waitFor(() => expect(onClose).toHaveBeenCalledOnce());
  });
});

describe("a new password", () => {
  it("is handed over as it was sent, whatever was typed meanwhile", async () => {
    renderAdministration(<NewPassword user={ANN} onClose={vi.fn()} />, api);
    fireEvent.change(screen.getByTestId("first-password"), { target: { value: "as-it-was-sent-1" } });
    fireEvent.click(screen.getByTestId("set-password"));
    await patched();
    fireEvent.click(screen.getByTestId("generate-password"));
    expect(api.calls("PATCH", "/users/u-1")[0]?.body).toEqual({ password: "as-it-was-sent-1" });
    api.answer("PATCH", "/users/u-1", ANSWER);
    expect((await screen.findByTestId("handed-password")).textContent).toBe("as-it-was-sent-1");
  });
});

/** Somebody presses Escape wherever they are. */
function escape(): void {
  fireEvent.keyDown(document.activeElement ?? document.body, { key: "Escape" });
}

describe("a deed that was confirmed", () => {
  it("keeps its window until the outcome is there: nobody is led to think that it was called off", async () => {
    const onClose = vi.fn();
    renderAdministration(<Ending user={ANN} way="delete" onClose={onClose} />, api);
    fireEvent.click(screen.getByTestId("confirm"));
    await waitFor(() => expect(api.calls("DELETE", "/users/u-1")).toHaveLength(1));
    escape();
    fireEvent.click(screen.getByRole("button", { name: "Cancel" }));
    fireEvent.click(screen.getByRole("button", { name: "Close" }));
    expect(onClose).not.toHaveBeenCalled();
    api.refuse("DELETE", "/users/u-1", new ApiProblem(409, "last-administrator", "One administrator must stay."));
    expect((await screen.findByRole("alert")).textContent).toContain("must stay");
    escape();
    expect(onClose).toHaveBeenCalledOnce();
  });
});

describe("a password that is shown once", () => {
  const windows = [
    ["of a new user", "POST", "/users", "create-user", (onClose: () => void) => <NewUser onClose={onClose} />],
    ["of somebody else", "PATCH", "/users/u-1", "set-password", (onClose: () => void) => <NewPassword user={ANN} onClose={onClose} />],
  ] as const;

  it.each(windows)("%s is not lost by Escape, neither on its way nor when it stands there", async (_, method, path, button, part) => {
    const onClose = vi.fn();
    renderAdministration(part(onClose), api);
    fireEvent.click(screen.getByTestId("generate-password"));
    const name = screen.queryByTestId("new-username");
    if (name !== null) {
      fireEvent.change(name, { target: { value: "ann" } });
    }
    fireEvent.click(screen.getByTestId(button));
    await waitFor(() => expect(api.calls(method, path)).toHaveLength(1));
    escape();
    expect(onClose).not.toHaveBeenCalled();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    api.answer(method, path, ANSWER);
    // The lists that are read anew do not come: what is done is told all the same.
    await act(() => vi.advanceTimersByTimeAsync(3_000));
    vi.useRealTimers();
    expect(screen.getByTestId("handed-password")).toBeTruthy();
    escape();
    expect(screen.getByTestId("leaving").textContent).toContain("cannot be shown again");
    expect(onClose).not.toHaveBeenCalled();
    fireEvent.click(screen.getByTestId("done"));
    expect(onClose).toHaveBeenCalledOnce();
  });

  it.each(windows)("%s: its window closes by Escape while nothing was sent", (_, _method, _path, _button, part) => {
    const onClose = vi.fn();
    renderAdministration(part(onClose), api);
    escape();
    expect(onClose).toHaveBeenCalledOnce();
  });
});

describe("a list of roles to choose from", () => {
  const choices = [
    { name: "OPERATOR", hint: "" },
    { name: "VIEWER", hint: "" },
  ];

  it("keeps a role that somebody holds and the list does not know yet", () => {
    const onChange = vi.fn();
    render(<CheckList legend="Roles" testId="role" empty="" choices={choices} chosen={["BRAND_NEW", "OPERATOR"]} onChange={onChange} />);
    fireEvent.click(screen.getByTestId("role-VIEWER"));
    expect(onChange).toHaveBeenLastCalledWith(["BRAND_NEW", "OPERATOR", "VIEWER"]);
    fireEvent.click(screen.getByTestId("role-OPERATOR"));
    expect(onChange).toHaveBeenLastCalledWith(["BRAND_NEW"]);
  });

  it("shows one that somebody holds and the list does not know, so that it can be taken away", () => {
    const onChange = vi.fn();
    render(<CheckList legend="Roles" testId="role" empty="" choices={choices} chosen={["DELETED", "VIEWER"]} onChange={onChange} />);
    fireEvent.click(screen.getByTestId("role-DELETED"));
    expect(onChange).toHaveBeenLastCalledWith(["VIEWER"]);
  });

  it("is as before when a choice was made and taken back, whatever the order of the API", async () => {
    renderAdministration(<UserDialog user={{ ...ANN, roles: ["cranes", "OPERATOR"] }} onClose={vi.fn()} onAct={vi.fn()} />, api);
    await waitFor(() => expect(api.calls("GET", "/roles?limit=500")).toHaveLength(1));
    const listed = ["cranes", "OPERATOR", "VIEWER"].map((name) => ({ ...ANSWER, id: name, name, description: "", permissions: [] }));
    api.answer("GET", "/roles?limit=500", { items: listed, next: null });
    const save = screen.getByTestId("save-user");
    fireEvent.click(await screen.findByTestId("role-VIEWER"));
    expect(save).toHaveProperty("disabled", false);
    fireEvent.click(screen.getByTestId("role-VIEWER"));
    expect(save).toHaveProperty("disabled", true);
  });
});

describe("what came of ending an account", () => {
  const REACH = "/users/u-1/reach";
  const reach = (sessions: number, connections: number): unknown => ({ sessions, connections, integrations: 0, history: "h", version: 3 });
  const asked = (): Promise<void> => waitFor(() => expect(api.calls("GET", REACH)).not.toHaveLength(0));

  async function deactivate(): Promise<{ readonly idle: () => Promise<void> }> {
    const { client } = renderAdministration(<Ending user={{ ...ANN, isActive: true }} way="deactivate" onClose={vi.fn()} />, api);
    await asked();
    api.answer("GET", REACH, reach(2, 1));
    await waitFor(() => expect(screen.getByTestId("what-happens").textContent).toContain("2 sessions end"));
    expect(screen.getByTestId("what-happens").textContent).toContain("1 token for live data is withdrawn");
    fireEvent.click(screen.getByTestId("confirm"));
    await patched();
    api.answer("PATCH", "/users/u-1", ANSWER);
    await screen.findByTestId("effect");
    await asked();
    return { idle: () => waitFor(() => expect(client.isFetching()).toBe(0)) };
  }

  it("stays what it was when somebody comes back to the window later", async () => {
    const { idle } = await deactivate();
    api.answer("GET", REACH, reach(0, 0));
    await waitFor(() => expect(screen.getByTestId("effect-sessions").textContent).toBe("2 sessions ended, none is left."));
    expect(screen.getByTestId("effect-connections").textContent).toBe("1 token for live data withdrawn, none is left.");
    focusManager.setFocused(false);
    focusManager.setFocused(true);
    await asked();
    while (api.calls("GET", REACH).length > 0) {
      api.answer("GET", REACH, reach(0, 0));
    }
    await idle();
    expect(screen.getByTestId("effect-sessions").textContent).toBe("2 sessions ended, none is left.");
  });

  it("says why it is not known, and asks again", async () => {
    await deactivate();
    api.refuse("GET", REACH, new ApiProblem(403, "permission-missing", "Not allowed."));
    await waitFor(() => expect(screen.getByRole("alert").textContent).toContain("Not allowed."));
    expect(screen.queryByTestId("effect-sessions")).toBeNull();
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    await asked();
    api.answer("GET", REACH, reach(0, 0));
    await waitFor(() => expect(screen.getByTestId("effect-sessions").textContent).toContain("none is left"));
    expect(screen.queryByRole("alert")).toBeNull();
  });
});

it("closes its window when what was saved is answered, whatever was typed meanwhile", async () => {
  const onClose = vi.fn();
  renderAdministration(<PermissionDialog permission={WATCH} onClose={onClose} onDelete={vi.fn()} />, api);
  fireEvent.change(screen.getByTestId("permission-description"), { target: { value: "looks on" } });
  fireEvent.click(screen.getByTestId("save-permission"));
  await waitFor(() => expect(api.calls("PATCH", "/permissions/p-1")).toHaveLength(1));
  fireEvent.change(screen.getByTestId("permission-description"), { target: { value: "looks on and" } });
  api.answer("PATCH", "/permissions/p-1", { ...ANSWER, name: "WATCH", description: "looks on", rules: [] });
  await waitFor(() => expect(onClose).toHaveBeenCalledOnce());
});

describe("a name that is taken", () => {
  const windows = [
    ["a new role", "POST", "/roles", "role-name", "create-role", <NewRole key="role" onClose={vi.fn()} />],
    ["a role", "PATCH", "/roles/r-1", "role-name", "save-role", <RoleDialog key="role" role={CRANES} onClose={vi.fn()} onDelete={vi.fn()} />],
    ["a new permission", "POST", "/permissions", "permission-name", "create-permission", <NewPermission key="permission" onClose={vi.fn()} />],
    ["a permission", "PATCH", "/permissions/p-1", "permission-name", "save-permission", <PermissionDialog key="permission" permission={WATCH} onClose={vi.fn()} onDelete={vi.fn()} />],
  ] as const;

  it.each(windows)("is said at the field of %s until another one is typed", async (_, method, path, field, button, part) => {
    renderAdministration(part, api);
    fireEvent.change(screen.getByTestId(field), { target: { value: "ADMIN" } });
    screen.queryAllByTestId("rule-topic").forEach((topic) => fireEvent.change(topic, { target: { value: "plant/#" } }));
    fireEvent.click(screen.getByTestId(button));
    await waitFor(() => expect(api.calls(method, path)).toHaveLength(1));
    api.refuse(method, path, new ApiProblem(409, "name-taken", "Another has that name."));
    await waitFor(() => {
      api.answerLists();
      expect(screen.getByTestId("field-error").textContent).toBe("Another has that name.");
    });
    fireEvent.change(screen.getByTestId(field), { target: { value: "ADMINS" } });
    await waitFor(() => expect(screen.queryByTestId("field-error")).toBeNull());
  });
});
