// @vitest-environment jsdom

/** The windows of the Users page while the server takes its time. */

import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { CheckList } from "@/features/access/check-list";
import { NewPassword } from "@/features/access/new-password-dialog";
import { Reactivating } from "@/features/access/reactivating";
import type { User } from "@/lib/api/access";
import { renderAdministration, SlowApi } from "../support/administration";

const ANN: User = { id: "u-1", name: "ann", etag: '"1"', updatedAt: 0, updatedBy: "user:admin", source: "web", isActive: false, roles: ["VIEWER"] };
const ANSWER = { id: "u-1", username: "ann", is_active: true, roles: ["VIEWER"], updated_at: "2026-01-02T00:00:00.000Z", updated_by: "user:admin", source: "web" };

let api: SlowApi;

beforeEach(() => {
  api = new SlowApi();
});
afterEach(cleanup);

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

  it("is as before when a choice was made and taken back", () => {
    const onChange = vi.fn();
    render(<CheckList legend="Roles" testId="role" empty="" choices={choices} chosen={["VIEWER"]} onChange={onChange} />);
    fireEvent.click(screen.getByTestId("role-OPERATOR"));
    expect(onChange).toHaveBeenLastCalledWith(["OPERATOR", "VIEWER"]);
  });
});
