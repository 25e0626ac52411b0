import type { ReactElement } from "react";

import type { MetricValue } from "@/contract/payloads";
import { digitGroups, exactText } from "@/lib/values/exact";
import { formatDouble } from "@/lib/values/format";

/** Whole numbers in groups of three; the space between is not text, so what is copied is the number. */
export function Digits({ text }: { readonly text: string }): ReactElement {
  return (
    <>
      {digitGroups(text).map((group, index) => (
        <span key={index} className="digit-group">
          {group}
        </span>
      ))}
    </>
  );
}

interface ValueTextProps {
  readonly value: MetricValue;
  /** Places after the point for doubles; left out: as many as are worth showing. */
  readonly digits?: number;
}

/** A value for reading: integers whole, doubles shortened, with every digit in the title. */
export function ValueText({ value, digits }: ValueTextProps): ReactElement {
  const exact = exactText(value);
  return <span title={exact}>{typeof value === "bigint" ? <Digits text={exact} /> : typeof value === "number" ? formatDouble(value, digits) : exact}</span>;
}
