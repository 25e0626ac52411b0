// @vitest-environment jsdom

import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { useState, type ReactElement } from "react";
import { afterEach, expect, test, vi } from "vitest";

import { Confirm } from "@/components/ui/confirm";
import { Dialog } from "@/components/ui/dialog";
import { FormDialog } from "@/components/ui/form-dialog";

afterEach(cleanup);

/** A page with a button that opens a question, whose answer opens a second window. */
function Page(): ReactElement {
  const [step, setStep] = useState<"" | "asked" | "told">("");
  return (
    <>
      <button type="button" onClick={() => setStep("asked")}>
        Revoke
      </button>
      {step === "asked" && (
        <Confirm open title="Revoke it?" action="Revoke it" busy={false} trouble="" onClose={() => setStep("")} onConfirm={() => setStep("told")}>
          It is cut off.
        </Confirm>
      )}
      {step === "told" && (
        <Dialog open title="It is revoked" onClose={() => setStep("")}>
          It was cut off.
        </Dialog>
      )}
    </>
  );
}

function openedFrom(): HTMLElement {
  render(<Page />);
  const button = screen.getByRole("button", { name: "Revoke" });
  button.focus();
  fireEvent.click(button);
  return button;
}

function escape(): void {
  fireEvent.keyDown(document.activeElement ?? document.body, { key: "Escape" });
}

test("Dialog_closed_gives_the_focus_back_to_where_it_was", async () => {
  const button = openedFrom();
  expect(screen.getByRole("dialog").contains(document.activeElement)).toBe(true);
  escape();
  await waitFor(() => expect(document.activeElement).toBe(button));
});

test("Dialog_that_follows_another_keeps_the_focus_and_gives_it_back_to_where_the_first_had_it_from", async () => {
  const button = openedFrom();
  fireEvent.click(screen.getByTestId("confirm"));
  await waitFor(() => expect(screen.getByRole("dialog").textContent).toContain("It was cut off."));
  await waitFor(() => expect(screen.getByRole("dialog").contains(document.activeElement)).toBe(true));
  escape();
  await waitFor(() => expect(document.activeElement).toBe(button));
});

test("FormDialog_that_was_sent_stays_and_sends_nothing_twice", () => {
  const [onClose, onSubmit] = [vi.fn(), vi.fn()];
  const part = (busy: boolean): ReactElement => (
    <FormDialog title="New" action="Create" working="Creating …" testId="create" busy={busy} onSubmit={onSubmit} onClose={onClose}>
      <input aria-label="Name" />
    </FormDialog>
  );
  const { rerender } = render(part(false));
  fireEvent.click(screen.getByTestId("create"));
  expect(onSubmit).toHaveBeenCalledOnce();
  rerender(part(true));
  const form = screen.getByLabelText("Name").closest("form");
  fireEvent.submit(form ?? document.body);
  escape();
  fireEvent.click(screen.getByRole("button", { name: "Cancel" }));
  fireEvent.click(screen.getByRole("button", { name: "Close" }));
  expect(screen.getByTestId("create").textContent).toBe("Creating …");
  expect(onSubmit).toHaveBeenCalledOnce();
  expect(onClose).not.toHaveBeenCalled();
  rerender(part(false));
  escape();
  expect(onClose).toHaveBeenCalledOnce();
});
