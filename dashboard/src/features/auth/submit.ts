"use client";

import { useState, type SubmitEvent } from "react";

import { ApiProblem } from "@/lib/api/problem";

interface Submit {
  readonly busy: boolean;
  /** What went wrong, for the person; empty when nothing did. */
  readonly trouble: string;
  readonly submit: (event: SubmitEvent) => void;
}

function sentence(error: unknown): string {
  if (error instanceof ApiProblem && error.status === 429) {
    return error.retryAfterS === null ? "Too many tries. Wait a moment." : `Too many tries. Try again in ${Math.ceil(error.retryAfterS)} s.`;
  }
  return error instanceof Error ? error.message : "That did not work. Try again.";
}

/** Sends a form once at a time and keeps what went wrong. */
export function useSubmit(send: () => Promise<void>, refuse: () => string = () => ""): Submit {
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState("");
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const refused = refuse();
    setTrouble(refused);
    if (busy || refused !== "") {
      return;
    }
    setBusy(true);
    send()
      .catch((error: unknown) => setTrouble(sentence(error)))
      .finally(() => setBusy(false));
  };
  return { busy, trouble, submit };
}
