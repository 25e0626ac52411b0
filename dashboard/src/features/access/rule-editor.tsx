"use client";

import { Plus, X } from "lucide-react";
import { useId, type ReactElement } from "react";

import { Button } from "@/components/ui/button";
import { FieldError, Input } from "@/components/ui/field";
import { Select } from "@/components/ui/select";
import type { TopicRule } from "@/lib/api/access";

const ACTIONS = [
  { value: "subscribe", label: "may subscribe to" },
  { value: "publish", label: "may publish to" },
] as const;

interface RuleEditorProps {
  readonly rules: readonly TopicRule[];
  readonly onChange: (rules: readonly TopicRule[]) => void;
  /** The rule that the API refused, from 0 on, and its sentence; `null` when it refused none. */
  readonly refused: { readonly rule: number; readonly why: string } | null;
}

/** The topic rules of a permission, one a row; a refusal stands at its row with what is allowed. */
export function RuleEditor({ rules, onChange, refused }: RuleEditorProps): ReactElement {
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-1.5 text-[13px] font-medium text-muted">Topic rules</legend>
      {rules.length === 0 && <p className="text-[13px] text-muted">None: this permission opens nothing on the broker. What the API asks it for is another matter.</p>}
      {rules.map((rule, at) => (
        <RuleRow
          // Rows have nothing of their own but their place.
          key={at}
          at={at}
          rule={rule}
          why={refused?.rule === at ? refused.why : ""}
          onChange={(next) => onChange(rules.map((each, other) => (other === at ? next : each)))}
          onRemove={() => onChange(rules.filter((_, other) => other !== at))}
        />
      ))}
      <div>
        <Button size="small" onClick={() => onChange([...rules, { action: "subscribe", topic: "" }])} data-testid="add-rule">
          <Plus aria-hidden />
          Add a rule
        </Button>
      </div>
      <Allowed />
    </fieldset>
  );
}

interface RuleRowProps {
  readonly at: number;
  readonly rule: TopicRule;
  readonly why: string;
  readonly onChange: (rule: TopicRule) => void;
  readonly onRemove: () => void;
}

function RuleRow({ at, rule, why, onChange, onRemove }: RuleRowProps): ReactElement {
  const errorId = useId();
  return (
    <div data-testid="rule-row" className="grid gap-1">
      <div className="flex flex-wrap items-center gap-2">
        <Select label={`Rule ${at + 1}: what it allows`} value={rule.action} choices={ACTIONS} onChoose={(action) => onChange({ ...rule, action })} testId="rule-action" />
        <div className="min-w-40 flex-1">
          <Input
            aria-label={`Rule ${at + 1}: topic filter`}
            aria-invalid={why === "" ? undefined : true}
            aria-describedby={why === "" ? undefined : errorId}
            required
            maxLength={512}
            spellCheck={false}
            autoCapitalize="none"
            autoComplete="off"
            placeholder="telemetry/+/live"
            value={rule.topic}
            onChange={(event) => onChange({ ...rule, topic: event.target.value })}
            data-testid="rule-topic"
          />
        </div>
        <Button tone="quiet" size="icon" aria-label={`Remove rule ${at + 1}`} onClick={onRemove} data-testid="remove-rule">
          <X aria-hidden />
        </Button>
      </div>
      <FieldError id={errorId}>{why}</FieldError>
    </div>
  );
}

function Allowed(): ReactElement {
  return (
    <ul className="grid list-disc gap-0.5 pl-5 text-xs leading-relaxed text-faint">
      <li>
        People publish commands only: <code>command/&lt;device or +&gt;/&lt;name&gt;</code>.
      </li>
      <li>
        <code>+</code> stands for one level, <code>#</code> at the end for all below. A filter that ends in <code>+</code> may have no other wildcard.
      </li>
      <li>
        <code>sync/</code>, <code>archive/</code> and <code>$</code> topics are kept for the system itself.
      </li>
    </ul>
  );
}
