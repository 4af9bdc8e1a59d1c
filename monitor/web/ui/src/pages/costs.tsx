// What probing costs: by provider and model, day by day, against the budgets.
import { useEffect, useState } from "preact/hooks";
import { type BudgetRow, type Costs, useGet } from "../api.ts";
import { count, NOTHING, ratio, usd } from "../format.ts";
import { Card, type Column, EmptyState, ErrorLine, Loading, Table, When } from "../parts/index.ts";
import { useQuery } from "../router.tsx";
import { Bar, Days, type Tone } from "./bar.tsx";
import { byModel, csv, daysText, type ModelCost, perDay } from "./costs-sums.ts";
import { Stacked } from "./stacked.tsx";
import "./figures.css";

const EVERY_S = 60;
const STRETCHES = ["7", "30", "90"];

export function CostsPage() {
  const [query, change] = useQuery();
  const days = STRETCHES.includes(query["days"] ?? "") ? (query["days"] as string) : "30";
  const { data, error, again } = useGet<Costs>("/costs", { days }, EVERY_S);
  return (
    <>
      <div class="page-head">
        <h1>Costs</h1>
        <div class="buttons" role="group" aria-label="Days shown">
          {STRETCHES.map((each) => (
            <button key={each} type="button" aria-pressed={each === days} onClick={() => change({ days: each === "30" ? "" : each })}>
              {each} d
            </button>
          ))}
        </div>
      </div>
      <ErrorLine error={error} again={again} />
      {!data && !error && <Loading rows={6} rowHeight="tall" />}
      {data && <Budgets budgets={data.budgets} />}
      {data && <Models costs={data} />}
    </>
  );
}

/** As the alerts about budgets have it: a warning from four fifths on. */
function toneOf(used_ratio: number): Tone {
  if (used_ratio >= 1) return "over";
  return used_ratio > 0.8 ? "near" : "good";
}

/** Used up although something is left: what a probe can cost is set aside before it is sent. */
function isTooLittle({ used_ratio, spent_usd, reserved_usd, limit_usd }: BudgetRow): boolean {
  return used_ratio >= 1 && spent_usd + reserved_usd < limit_usd;
}

const BUDGETS: readonly Column<BudgetRow>[] = [
  { name: "Budget", head: true, cell: (row) => (row.subject === "all" ? "all providers together" : row.subject) },
  {
    name: "Spent of its day",
    cell: (row) => (
      <Bar part={row.spent_usd / row.limit_usd} reserved={row.reserved_usd / row.limit_usd} tone={toneOf(row.used_ratio)}>
        {usd(row.spent_usd)} of {usd(row.limit_usd)}
        {row.reserved_usd > 0 && `, ${usd(row.reserved_usd)} reserved`}
        {isTooLittle(row) && <> <span class="mark level-slow">less left than a probe may cost</span></>}
      </Bar>
    ),
  },
  { name: "Used", number: true, cell: (row) => ratio(row.used_ratio) },
  { name: "Resets", cell: (row) => <When at={row.resets_at} /> },
  { name: "Pace", cell: (row) => (row.stretched ? <><span class="mark level-slow">stretched</span> {row.stretched}</> : "as configured") },
];

function Budgets({ budgets }: { budgets: BudgetRow[] }) {
  return (
    <Card title="Today's budgets">
      {budgets.length === 0 ? (
        <EmptyState title="No budget is configured.">
          <p>What probing may cost in a day, all providers together:</p>
          <pre>{"budget: {daily: 5 USD}\n"}</pre>
        </EmptyState>
      ) : (
        <Stacked label="Budgets" columns={BUDGETS} rows={budgets} rowKey={(row) => row.subject} />
      )}
    </Card>
  );
}

function Models({ costs }: { costs: Costs }) {
  const rows = byModel(costs.rows);
  const dearest = rows[0]?.total_usd ?? null;
  const columns: Column<ModelCost>[] = [
    { name: "Model", head: true, cell: (row) => <Model row={row} /> },
    {
      name: "Total",
      cell: (row) => <Bar part={row.total_usd === null || !dearest ? null : row.total_usd / dearest} tone="good">{total(row)}</Bar>,
    },
    { name: `By day, ${costs.days.length} d`, cell: (row) => <Days values={row.usd} label={daysText(costs.days, row.usd)} /> },
    { name: "Tokens in", number: true, cell: (row) => count(row.input_tokens) },
    { name: "Tokens out", number: true, cell: (row) => count(row.output_tokens) },
  ];
  if (rows.length === 0) return <Card title="By model"><EmptyState title="Nothing was probed in these days." /></Card>;
  return (
    <>
      <Card title={`By model: ${usd(costs.total_usd)} in ${costs.days.length} d`} actions={<Download costs={costs} />}>
        <Stacked label="Costs by model" columns={columns} rows={rows} rowKey={(row) => `${row.provider} ${row.model}`} />
        <p class="hint">Days are UTC. {NOTHING} is not known: no price, or no result. ≥: a target of it has no price. Budgets count more: what a probe without an answer may have cost.</p>
      </Card>
      <Card title="Day by day">
        <details>
          <summary>Figures of each day</summary>
          <DayTable costs={costs} rows={rows} />
        </details>
      </Card>
    </>
  );
}

function Model({ row: { model, provider, targets } }: { row: ModelCost }) {
  return <>{model}<small class="below">{provider}, {targets.length === 1 ? targets[0] : `${targets.length} targets`}</small></>;
}

const total = (row: ModelCost) => (row.at_least && row.total_usd !== null ? "≥ " : "") + usd(row.total_usd);

function DayTable({ costs: { days }, rows }: { costs: Costs; rows: ModelCost[] }) {
  const sums = perDay(days.length, rows);
  const newestFirst = days.map((_, day) => day).reverse();
  const columns: Column<number>[] = [
    { name: "Day", head: true, cell: (day) => days[day] },
    { name: "All", number: true, cell: (day) => usd(sums[day]) },
    ...rows.map((row) => ({ name: `${row.provider} ${row.model}`, number: true, cell: (day: number) => usd(row.usd[day]) })),
  ];
  return <Table label="Costs by day" columns={columns} rows={newestFirst} rowKey={(day) => day} />;
}

/** The same figures for a spreadsheet, target by target; made here, so that nothing is asked twice. */
function Download({ costs }: { costs: Costs }) {
  const [href, setHref] = useState("");
  useEffect(() => {
    const url = URL.createObjectURL(new Blob([csv(costs.days, costs.rows)], { type: "text/csv" }));
    setHref(url);
    return () => URL.revokeObjectURL(url);
  }, [costs]);
  return <a class="button" href={href} download={`sonde-costs-${costs.days.at(-1) ?? ""}.csv`}>Download CSV</a>;
}
