// @vitest-environment jsdom

/** The editors of the settings page while somebody else is faster. */

import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";

import { FreeDialog } from "@/features/settings/free-dialog";
import { ResetDialog } from "@/features/settings/reset-dialog";
import { ApiProblem } from "@/lib/api/problem";
import { renderAdministration, SlowApi } from "../support/administration";

let api: SlowApi;

beforeEach(() => {
  api = new SlowApi();
});
afterEach(cleanup);

function asSomebodyElseSetIt(key: string): unknown {
  return { key, device: "", value: "theirs", updated_at: "2026-01-02T00:00:00.000Z", updated_by: "user:ben", source: "web" };
}

it("stays while a value is on its way: somebody else may have been faster", async () => {
  const onClose = vi.fn();
  renderAdministration(<FreeDialog settingKey="" device="" onClose={onClose} />, api);
  fireEvent.change(screen.getByTestId("setting-key"), { target: { value: "shift/name" } });
  fireEvent.click(screen.getByTestId("save-setting"));
  await waitFor(() => expect(api.asked).toHaveLength(1));
  fireEvent.keyDown(document.body, { key: "Escape" });
  fireEvent.click(screen.getByRole("button", { name: "Cancel" }));
  expect(onClose).not.toHaveBeenCalled();
  api.refuse("GET", "/config/shift/name", new ApiProblem(403, "permission-missing", "Not allowed."));
  await screen.findByRole("alert");
  fireEvent.keyDown(document.body, { key: "Escape" });
  expect(onClose).toHaveBeenCalledOnce();
});

it("can be left while the setting that would be taken back is not read yet", async () => {
  const onClose = vi.fn();
  renderAdministration(
    <ResetDialog target={{ key: "shift/name", device: "" }} title="Take it back?" action="Take back" onClose={onClose}>
      Nothing counts afterwards.
    </ResetDialog>,
    api,
  );
  await waitFor(() => expect(api.calls("GET", "/config/shift/name")).toHaveLength(1));
  expect(screen.getByTestId("confirm")).toHaveProperty("disabled", true);
  fireEvent.keyDown(document.body, { key: "Escape" });
  expect(onClose).toHaveBeenCalledOnce();
});

async function overtaken(): Promise<void> {
  renderAdministration(<FreeDialog settingKey="" device="" onClose={vi.fn()} />, api);
  fireEvent.change(screen.getByTestId("setting-key"), { target: { value: "shift/name" } });
  fireEvent.change(screen.getByTestId("setting-value"), { target: { value: "mine" } });
  fireEvent.click(screen.getByTestId("save-setting"));
  await waitFor(() => expect(api.calls("GET", "/config/shift/name")).toHaveLength(1));
  fireEvent.change(screen.getByTestId("setting-key"), { target: { value: "shift/other" } });
  api.answer("GET", "/config/shift/name", asSomebodyElseSetIt("shift/name"));
  await screen.findByTestId("overtaken");
}

it("asks about the key and the value that were sent, and offers nothing to edit beside them", async () => {
  await overtaken();
  expect(screen.getByTestId("overtaken").textContent).toContain("shift/name");
  expect(screen.getByTestId("overtaken-mine").textContent).toBe("mine");
  expect(screen.queryByTestId("setting-key")).toBeNull();
  expect(screen.queryByTestId("setting-value")).toBeNull();
  fireEvent.click(screen.getByTestId("set-mine"));
  await waitFor(() => expect(api.asked.map(({ call }) => call)).toMatchObject([{ method: "PUT", path: "/config/shift/name", body: { value: "mine" }, ifMatch: '"next"' }]));
});

it("says so when the value is refused after all", async () => {
  await overtaken();
  fireEvent.click(screen.getByTestId("set-mine"));
  await waitFor(() => expect(api.calls("PUT", "/config/shift/name")).toHaveLength(1));
  api.refuse("PUT", "/config/shift/name", new ApiProblem(422, "invalid-value", "A value has at most 8192 bytes."));
  await waitFor(() => expect(screen.getByRole("alert").textContent).toContain("at most 8192 bytes"));
});
