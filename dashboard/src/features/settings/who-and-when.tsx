import type { ReactElement } from "react";

import type { Setting } from "@/lib/api/config";
import { formatDateTime } from "@/lib/values/format";
import { principalText } from "@/lib/values/principal";

const ON_THE_WEB = "web";

/** Who set it: a person, and the desktop when it was done there. */
export function whoText({ updatedBy, source }: Setting): string {
  const who = principalText(updatedBy);
  return source === ON_THE_WEB ? who : `${who} on ${source.replace("desktop:", "")}`;
}

/** Who changed a setting last, and when. */
export function WhoAndWhen({ setting }: { readonly setting: Setting }): ReactElement {
  return (
    <span className="grid gap-0.5">
      <span data-testid="changed-by">{whoText(setting)}</span>
      <time dateTime={new Date(setting.updatedAt).toISOString()} className="text-xs text-faint">
        {formatDateTime(setting.updatedAt)}
      </time>
    </span>
  );
}
