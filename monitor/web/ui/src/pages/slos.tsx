// Objectives: how good it was, what is left of the error budget, and how fast that goes.
import { type Burn, type SloRow, useGet } from "../api.ts";
import { age, count, NOTHING, ratio } from "../format.ts";
import { Card, type Column, EmptyState, ErrorLine, Loading } from "../parts/index.ts";
import { Link, targetPath } from "../router.tsx";
import { Bar } from "./bar.tsx";
import { burning, EXAMPLE, leastLeftFirst, type Outlook, outlook, outlookText, overspentText, times } from "./slos-words.ts";
import { Stacked } from "./stacked.tsx";
import "./figures.css";

const EVERY_S = 15;

export function SlosPage() {
  const { data, error, again } = useGet<SloRow[]>("/slos", {}, EVERY_S);
  return (
    <>
      <h1>Objectives</h1>
      <Card title="Error budgets, the least left first">
        <ErrorLine error={error} again={again} />
        {!data && !error && <Loading rows={4} rowHeight="tall" />}
        {data?.length === 0 && <HowTo />}
        {data && data.length > 0 && (
          <Stacked label="Objectives" columns={COLUMNS} rows={leastLeftFirst(data)} rowKey={(row) => `${row.name} ${row.target}`} />
        )}
        {data && data.length > 0 && <Meaning />}
      </Card>
    </>
  );
}

const COLUMNS: readonly Column<SloRow>[] = [
  { name: "Objective", head: true, cell: (row) => <>{row.name}<small class="below">{row.kind}</small></> },
  { name: "Target", cell: (row) => (row.target ? <Link href={targetPath(row.target)}>{row.target}</Link> : "all together") },
  { name: "Is to be", number: true, cell: (row) => <>{exact(row.objective)}<small class="below">over {age(row.period_s)}</small></> },
  { name: "Was", number: true, cell: (row) => <>{ratio(row.good_ratio)}<small class="below">{count(row.bad)} bad of {count(row.n)}</small></> },
  { name: "Budget left", cell: (row) => <Left row={row} /> },
  {
    name: "Burns",
    says: "How many times as fast as allowed, window by window",
    cell: (row) => row.burns.map((burn) => <BurnLine key={burn.window} burn={burn} />),
  },
  { name: "What that means", cell: (row) => <Means found={outlook(row)} /> },
];

/** An objective as it is written: 99.95 % is not 100 %. */
function exact(objective: number): string {
  return `${Number((objective * 100).toPrecision(7))} %`;
}

function Left({ row: { left_ratio: left } }: { row: SloRow }) {
  if (left === null) return <Bar part={null} tone="good">{NOTHING}</Bar>;
  if (left < 0) return <Bar part={1} tone="over">{overspentText(left)}</Bar>;
  return <Bar part={left} tone={left < 0.25 ? "near" : "good"}>{ratio(left)}</Bar>;
}

function BurnLine({ burn }: { burn: Burn }) {
  const fast = burning(burn);
  return (
    <div class="burn">
      <span class="burn-window">{burn.window}</span>
      <span class={fast ? "mark level-failing" : "burn-rate"}>{times(burn.rate)}</span>
      {burn.threshold !== null && (
        <small>
          {burn.severity} above {times(burn.threshold)}
          {fast === null && burn.rate !== null && ", not sure yet"}
        </small>
      )}
    </div>
  );
}

const LEVELS: Record<Outlook["kind"], string> = { overspent: "down", ending: "slow", lasting: "ok", unknown: "unknown" };

function Means({ found }: { found: Outlook }) {
  return (
    <>
      <span class={`mark level-${LEVELS[found.kind]}`}>{found.kind}</span>
      <p class="means">{outlookText(found)}</p>
    </>
  );
}

function Meaning() {
  return (
    <p class="hint">
      The budget is what may be bad in the period. A burn of 1× spends it just in time. Bad is what failed by the
      provider's fault: our own faults and the network's count in neither number.
    </p>
  );
}

function HowTo() {
  return (
    <EmptyState title="No objective is configured.">
      <p>An objective says how much of the answers is to be good over some weeks. It brings its own alerts:</p>
      <pre>{EXAMPLE}</pre>
    </EmptyState>
  );
}
