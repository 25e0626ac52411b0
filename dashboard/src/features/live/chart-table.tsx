"use client";

import type { ReactElement } from "react";

import { useEngine, useNow } from "@/lib/engine/hooks";
import type { Series } from "@/lib/store/chart";
import { exactText } from "@/lib/values/exact";
import { formatDateTime } from "@/lib/values/format";
import { unitOf } from "@/lib/values/unit";

/** The chart as a table for who cannot see it: the newest value of each metric and the bounds of what is loaded. Once a second. */
export function ChartTable(): ReactElement {
  const { chart } = useEngine();
  useNow();
  return (
    <table data-testid="chart-table" className="sr-only">
      <caption>Newest values of the metrics on the chart</caption>
      <thead>
        <tr>
          <th scope="col">Device</th>
          <th scope="col">Metric</th>
          <th scope="col">Value</th>
          <th scope="col">Measured at</th>
          <th scope="col">Least</th>
          <th scope="col">Greatest</th>
        </tr>
      </thead>
      <tbody>
        {chart.series().map((each) => (
          <Row key={`${each.clientId}/${each.metric}`} series={each} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ series }: { readonly series: Series }): ReactElement {
  const { points } = series;
  const last = points.at(-1);
  const least = points.reduce((found, point) => (found === undefined || point.value < found.value ? point : found), points[0]);
  const greatest = points.reduce((found, point) => (found === undefined || point.value > found.value ? point : found), points[0]);
  const unit = unitOf(series.metric);
  const text = (point: typeof last): string => (point === undefined ? "none" : `${exactText(point.value)} ${unit}`.trim());
  return (
    <tr>
      <td>{series.clientId}</td>
      <th scope="row">{series.metric}</th>
      <td>{text(last)}</td>
      <td>{last === undefined ? "" : formatDateTime(last.at)}</td>
      <td>{text(least)}</td>
      <td>{text(greatest)}</td>
    </tr>
  );
}
