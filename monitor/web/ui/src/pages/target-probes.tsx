// The last probes of a target one by one, each drawn as a waterfall, on one scale.
import { useMemo } from "preact/hooks";
import { scaleOf } from "../charts/waterfall.ts";
import { seconds } from "../format.ts";
import { Card, EmptyState, ErrorLine, Loading } from "../parts/index.ts";
import { targetPath, useQuery } from "../router.tsx";
import { More } from "./paged.tsx";
import { useProbes } from "./target-paging.ts";
import { ProbeEntry } from "./target-probe.tsx";
import { STAGE_LOOKS } from "./target-waterfall.tsx";

const ROWS = 100;

interface TargetProbesProps {
  name: string;
  /** Changes when there are newer results. */
  turn: number;
}

export function TargetProbes({ name, turn }: TargetProbesProps) {
  const [query, change] = useQuery();
  const failed = query["probes"] === "failed";
  const choice = (label: string, on: boolean, word: string) => (
    <button type="button" aria-pressed={on} onClick={() => change({ probes: word })}>
      {label}
    </button>
  );
  const actions = (
    <div class="buttons" role="group" aria-label="Which probes">
      {choice("Last 100", !failed, "")}
      {choice("Failures", failed, "failed")}
    </div>
  );
  return (
    <Card title="Probes" actions={actions}>
      <Probes key={String(failed)} name={name} turn={turn} failed={failed} />
    </Card>
  );
}

function Probes({ name, turn, failed }: TargetProbesProps & { failed: boolean }) {
  const listed = useProbes(`${targetPath(name)}/probes`, { limit: ROWS, failed: failed || null }, turn);
  const rows = listed.items;
  const scale_s = useMemo(() => scaleOf(rows ?? []), [rows]);
  return (
    <>
      <ErrorLine error={listed.error} again={listed.again} />
      {rows === undefined && !listed.error && <Loading rows={12} />}
      {rows?.length === 0 && <EmptyState title={failed ? "No failure is kept." : "No probe is kept yet."} />}
      {rows !== undefined && rows.length > 0 && (
        <div class="scroll probes-scroll" role="region" aria-label="Probes, the newest first" tabIndex={0}>
          <table class="probes">
            <Heading scale_s={scale_s} />
            {rows.map((row) => <ProbeEntry key={row.id} row={row} scale_s={scale_s} />)}
          </table>
        </div>
      )}
      <More list={listed} />
    </>
  );
}

function Heading({ scale_s }: { scale_s: number }) {
  return (
    <thead>
      <tr>
        <th scope="col">Verdict</th>
        <th scope="col">When</th>
        <th scope="col" class="number">
          Total
        </th>
        <th scope="col" class="number">
          First token
        </th>
        <th scope="col" class="number" title="Tokens in and out">
          Tokens
        </th>
        <th scope="col" class="number">
          Cost
        </th>
        <th scope="col" class="number">
          HTTP
        </th>
        <th scope="col" class="probe-waterfall">
          <span class="scale">
            <span>0</span>
            <span class="looks">
              {STAGE_LOOKS.map(([look, label]) => (
                <span key={look} class={look}>
                  {label}
                </span>
              ))}
            </span>
            <span>{seconds(scale_s)}</span>
          </span>
        </th>
      </tr>
    </thead>
  );
}
