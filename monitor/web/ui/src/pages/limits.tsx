// Rate limits: what providers say, and what was seen.
import { type LimitRow, useGet } from "../api.ts";
import { age, count, NOTHING, ratio } from "../format.ts";
import { Age, Card, type Column, EmptyState, ErrorLine, Loading } from "../parts/index.ts";
import { Bar } from "./bar.tsx";
import { Stacked } from "./stacked.tsx";
import { agreement, leastHeadroomFirst, NEAR } from "./limits-words.ts";
import "./figures.css";

const EVERY_S = 15;

export function LimitsPage() {
  const { data, error, again } = useGet<LimitRow[]>("/ratelimits", {}, EVERY_S);
  return (
    <>
      <h1>Rate limits</h1>
      <Card title="By key and model, the least headroom first">
        <ErrorLine error={error} again={again} />
        {!data && !error && <Loading rows={4} />}
        {data?.length === 0 && (
          <EmptyState title="No provider said a limit, and none was seen.">
            <p>Limits come with answers, as headers. Some servers send none: then only a refusal (429) shows where they are.</p>
          </EmptyState>
        )}
        {data && data.length > 0 && (
          <Stacked
            label="Rate limits"
            columns={COLUMNS}
            rows={leastHeadroomFirst(data)}
            rowKey={(row) => `${row.provider} ${row.model} ${row.bucket}`}
          />
        )}
      </Card>
    </>
  );
}

const COLUMNS: readonly Column<LimitRow>[] = [
  { name: "Model", head: true, cell: (row) => <>{row.model || "all models"}<small class="below">{row.provider}</small></> },
  { name: "Of", cell: (row) => row.bucket },
  { name: "Headroom", says: "What is left of what the provider says", cell: (row) => <Headroom row={row} /> },
  { name: "Says", says: "The limit, as the provider says", number: true, cell: (row) => count(row.limit) },
  { name: "Resets in", number: true, cell: (row) => (row.reset_s === null ? NOTHING : age(row.reset_s)) },
  {
    name: "Seen",
    says: "Let through in a minute before requests were refused",
    number: true,
    cell: ({ observed_per_min: seen }) => (seen === null ? NOTHING : `${count(Math.round(seen))}/min`),
  },
  { name: "Does it fit", cell: (row) => <Agrees row={row} /> },
  { name: "Heard", cell: (row) => <Age at={row.at} /> },
];

function Headroom({ row: { headroom, remaining } }: { row: LimitRow }) {
  if (headroom === null) return <Bar part={null} tone="good">{NOTHING}</Bar>;
  const near = headroom < NEAR;
  return (
    <Bar part={headroom} tone={near ? "near" : "good"}>
      {ratio(headroom)}{remaining !== null && `, ${count(remaining)} left`}
      {near && <> <span class="mark level-slow">near</span></>}
    </Bar>
  );
}

const AGREES: Record<LimitRow["agrees"], readonly [string, string]> = {
  yes: ["ok", "fits"],
  no: ["slow", "does not fit"],
  unknown: ["unknown", "unknown"],
};

function Agrees({ row }: { row: LimitRow }) {
  const [level, word] = AGREES[row.agrees];
  return <><span class={`mark level-${level}`}>{word}</span><p class="means">{agreement(row)}</p></>;
}
