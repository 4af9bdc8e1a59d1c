// One target as a row of the overview. It draws itself anew when its own target is otherwise.
import { Component, type ComponentChildren } from "preact";
import { Age, FaultBadge, Level, openable, VerdictBadge } from "../parts/index.ts";
import { Sparkline, StripBars } from "../parts/strip.tsx";
import type { TargetNow } from "../api.ts";
import { NOTHING, quantile, ratio, usd } from "../format.ts";
import { usePast, useTarget } from "../live.ts";
import { Link, navigate, targetPath } from "../router.tsx";

/** Headings, with what they mean; a row has its cells in the same order. */
export const COLUMNS: readonly (readonly [name: string, says: string, className: string])[] = [
  ["Target", "its name and model", "col-name"],
  ["Level", "how it does now", "col-level"],
  ["Now", "what the newest probe found, and whose fault a failure is", "col-now"],
  ["p50", "median latency", "col-figure number"],
  ["p95", "95th percentile of latency", "col-figure number"],
  ["First token", "median time to the first token", "col-figure number"],
  ["Errors", "part of the results that were not ok", "col-figure number"],
  ["Coverage", "results per slot that should have one", "col-figure number"],
  ["Latency, 24 h", "p50, p95 (thin) and first token (dashed), hour by hour", "col-spark"],
  ["24 h", "hour by hour: high bars failed by the provider, narrow ones otherwise", "col-strip"],
  ["30 d", "day by day (UTC)", "col-strip"],
  ["Cost", "known cost of the probes in the window", "col-cost number"],
];

/** A row keeps out of what its table does: only its own target draws it anew. */
export class TargetLine extends Component<{ name: string }> {
  override shouldComponentUpdate(next: { name: string }): boolean {
    return next.name !== this.props.name;
  }

  override render() {
    return <Line name={this.props.name} />;
  }
}

function Line({ name }: { name: string }) {
  const target = useTarget(name);
  if (!target) return null;
  const { figures } = target;
  return (
    <tr role="row" {...openable(() => navigate(targetPath(name)))} class={`line line-${target.level}`}>
      <th role="rowheader" scope="row" class="col-name">
        <Link href={targetPath(name)} tabIndex={-1}>
          {name}
        </Link>
        <small class="cut" title={target.model}>
          {target.model} · {target.operation}
        </small>
      </th>
      <Cell column={1}>
        <Level level={target.level} />
        {target.failing_at.length > 0 && (
          <small class="cut" title="its newest probe there failed">
            fails in {target.failing_at.join(", ")}
          </small>
        )}
      </Cell>
      <Cell column={2}>
        <Newest target={target} />
      </Cell>
      <Cell column={3}>{quantile(figures.p50_s)}</Cell>
      <Cell column={4}>{quantile(figures.p95_s)}</Cell>
      <Cell column={5}>{quantile(figures.first_token_p50_s)}</Cell>
      <Cell column={6}>{ratio(figures.error_rate)}</Cell>
      <Cell column={7}>{ratio(figures.coverage)}</Cell>
      <PastCells name={name} />
      <Cell column={11}>{usd(figures.cost_usd)}</Cell>
    </tr>
  );
}

function Cell({ column, children }: { column: number; children: ComponentChildren }) {
  const [heading, , className] = COLUMNS[column] ?? ["", "", ""];
  return (
    <td role="cell" class={className} data-name={heading}>
      {children}
    </td>
  );
}

function Newest({ target }: { target: TargetNow }) {
  const { last, paused } = target;
  if (!last) return <span class="faint">{paused ? `paused: ${paused}` : NOTHING}</span>;
  const failed = last.verdict !== "ok";
  const said = [paused ? `paused: ${paused}` : "", failed ? last.detail : ""].filter(Boolean).join(" · ");
  return (
    <>
      <VerdictBadge verdict={last.verdict} />{" "}
      <small>
        <Age at={last.at} />
      </small>
      {failed || paused ? (
        <span class="cut newest" title={[last.detail, last.hint].filter(Boolean).join("\n")}>
          <FaultBadge fault={last.fault} /> {said}
        </span>
      ) : null}
    </>
  );
}

function PastCells({ name }: { name: string }) {
  const past = usePast(name);
  return (
    <>
      <Cell column={8}>{past && <Sparkline spark={past.spark} />}</Cell>
      <Cell column={9}>{past && <StripBars strip={past.day} name="Last 24 hours" />}</Cell>
      <Cell column={10}>{past && <StripBars strip={past.month} name="Last 30 days" />}</Cell>
    </>
  );
}
