import type { ReactElement, ReactNode } from "react";

interface PageProps {
  readonly title: string;
  /** A sentence for who comes here for the first time. */
  readonly lead?: ReactNode;
  /** The buttons of the page. */
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

/** The frame of an administration page. */
export function Page({ title, lead, actions, children }: PageProps): ReactElement {
  return (
    <div className="mx-auto grid max-w-[1600px] gap-4">
      <div className="flex flex-wrap items-end gap-x-4 gap-y-2">
        <div className="min-w-0 flex-[1_1_16rem]">
          <h1 className="text-lg font-semibold tracking-tight">{title}</h1>
          {lead !== undefined && <p className="mt-0.5 text-[13px] text-muted">{lead}</p>}
        </div>
        {actions !== undefined && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
      </div>
      {children}
    </div>
  );
}
