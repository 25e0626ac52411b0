"use client";

import type { ReactElement } from "react";

import { PERMISSION } from "@/features/access/collections";
import { EditRecord, NewRecord, type HeldProps, type Named, type Subject } from "@/features/access/named-record";
import { refusedRule } from "@/features/access/refusals";
import { RuleEditor } from "@/features/access/rule-editor";
import type { Permission, TopicRule } from "@/lib/api/access";

interface Draft extends Named {
  readonly rules: readonly TopicRule[];
}

const OF_PERMISSION: Subject<Permission, Draft> = {
  kind: PERMISSION,
  what: "permission",
  aboutNew: "Rules about topics are data: a new permission opens new topics, without any code.",
  aboutChange: "A change holds for everybody whose roles give this permission, at once.",
  empty: { name: "", description: "", rules: [{ action: "subscribe", topic: "" }] },
  draftOf: ({ name, description, rules }) => ({ name, description, rules }),
  words: { name: "Name", description: "Description", rules: "Topic rules" },
  show: (draft, field) => (field === "rules" ? draft.rules.map((each) => `${each.action} ${each.topic}`).join(", ") : draft[field]) || "none",
  Held: Rules,
  isAboutHeld: (problem) => refusedRule(problem) !== null,
};

export function NewPermission({ onClose }: { readonly onClose: () => void }): ReactElement {
  return <NewRecord of={OF_PERMISSION} onClose={onClose} />;
}

interface PermissionDialogProps {
  readonly permission: Permission;
  readonly onClose: () => void;
  readonly onDelete: (permission: Permission) => void;
}

/** A permission's name, description and topic rules to edit. */
export function PermissionDialog({ permission, onClose, onDelete }: PermissionDialogProps): ReactElement {
  return <EditRecord of={OF_PERMISSION} record={permission} onClose={onClose} onDelete={onDelete} />;
}

function Rules({ draft, set, problem }: HeldProps<Draft>): ReactElement {
  const rule = refusedRule(problem);
  const refused = rule === null || problem === null ? null : { rule, why: problem.message };
  return <RuleEditor rules={draft.rules} refused={refused} onChange={(rules) => set({ rules })} />;
}
