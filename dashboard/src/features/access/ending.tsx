"use client";

import { useState, type ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/confirm";
import { Dialog, DialogBody, DialogFooter } from "@/components/ui/dialog";
import { Notice } from "@/components/ui/notice";
import { USER } from "@/features/access/collections";
import { Overtaken } from "@/features/access/conflict";
import { Effect } from "@/features/access/effect";
import { useGuarded } from "@/features/access/guarded";
import { useReach } from "@/features/access/reach";
import { countText } from "@/features/access/rights";
import { change, remove, type Reach, type User } from "@/lib/api/access";
import { usePerson } from "@/lib/engine/hooks";

export type EndingWay = "deactivate" | "delete";

const WORDS = {
  deactivate: { title: "Deactivate", action: "Deactivate", done: "is deactivated" },
  delete: { title: "Delete", action: "Delete for good", done: "is deleted" },
} as const;

interface EndingProps {
  readonly user: User;
  readonly way: EndingWay;
  readonly onClose: () => void;
}

/** Ends an account: says what will happen, does it, and shows live what came of it. */
export function Ending({ user, way, onClose }: EndingProps): ReactElement {
  const [ended, setEnded] = useState<{ readonly before: Reach | null } | null>(null);
  return ended === null ? <Question {...{ user, way, onClose }} onEnded={(before) => setEnded({ before })} /> : <Outcome {...{ user, way, onClose }} before={ended.before} />;
}

interface QuestionProps extends EndingProps {
  /** *before*: what ran when it was ended; it is not asked for again, since by then there is nothing left. */
  readonly onEnded: (before: Reach | null) => void;
}

function Question({ user, way, onClose, onEnded }: QuestionProps): ReactElement {
  const before = useReach(user.id, "before").reach;
  const self = usePerson().id === user.id;
  const guarded = useGuarded(user, USER);
  const words = WORDS[way];
  const end = (): void =>
    guarded.run<unknown>((send, seen) => (way === "delete" ? remove(send, USER.path, seen) : change(send, USER.path, seen, { is_active: false }, USER.read)), () => onEnded(before));
  return (
    <Confirm open onClose={onClose} title={`${words.title} ${guarded.seen.name}?`} action={words.action} busy={guarded.busy} trouble={guarded.problem?.message ?? ""} onConfirm={end}>
      <div className="grid gap-3">
        {guarded.overtaken && <Overtaken by={guarded.newerChange}>{stateText(guarded.seen)}</Overtaken>}
        <ul className="grid list-disc gap-1 pl-5" data-testid="what-happens">
          <li>{sessionsText(before)}</li>
          <li>{connectionsText(before)}</li>
          {before !== null && before.integrations > 0 && <li>{countText(before.integrations, "integration that they made ends", "integrations that they made end")}, too.</li>}
          <li>Desktops forget the password; one that is offline does so when it is back.</li>
          {way === "delete" ? <li>The name is free again. Logs keep who it was.</li> : <li>Name, roles and history stay. The account can be taken back at any time.</li>}
        </ul>
        {self && <Notice tone="warn">This is your own account: you will be signed out.</Notice>}
      </div>
    </Confirm>
  );
}

function sessionsText(before: Reach | null): string {
  if (before?.sessions === 0) {
    return "They are not signed in anywhere; nobody can sign in with this name any more.";
  }
  const ends = before === null ? "All sessions end" : countText(before.sessions, "session ends", "sessions end");
  return `${ends}, at once and wherever they are.`;
}

function connectionsText(before: Reach | null): string {
  if (before?.connections === 0) {
    return "They have no token for live data, so no connection to the broker.";
  }
  const ends = before === null ? "All tokens for live data are withdrawn" : countText(before.connections, "token for live data is withdrawn", "tokens for live data are withdrawn");
  return `${ends}: connections to the broker are cut at once.`;
}

function stateText(user: User): string {
  return `It is now ${user.name}, ${user.isActive ? "active" : "inactive"}, with ${user.roles.length === 0 ? "no role" : user.roles.join(", ")}. Go on only if it is still right.`;
}

function Outcome({ user, way, before, onClose }: EndingProps & { readonly before: Reach | null }): ReactElement {
  return (
    <Dialog open onClose={onClose} title={`${user.name} ${WORDS[way].done}`}>
      <DialogBody>
        <Effect userId={user.id} before={before} />
      </DialogBody>
      <DialogFooter>
        <Button tone="primary" onClick={onClose} data-testid="done">
          Done
        </Button>
      </DialogFooter>
    </Dialog>
  );
}
