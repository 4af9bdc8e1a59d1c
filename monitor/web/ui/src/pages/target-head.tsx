// A target as it is now: what it is, how it does, what is set, and its figures of each window.
import type { ComponentChildren } from "preact";
import type { AlertRow, AtLocation, Figures, Last, TargetDetail, TargetNow } from "../api.ts";
import { NOTHING, age, count, perSecond, quantile, ratio, seconds, usd } from "../format.ts";
import { useAlerts } from "../live.ts";
import { Age, Card, FaultBadge, Level, SeverityBadge, Table, VerdictBadge } from "../parts/index.ts";
import type { Column } from "../parts/index.ts";
import { Link } from "../router.tsx";

interface HeadProps {
  now: TargetNow;
  detail: TargetDetail;
}

export function TargetHead({ now, detail }: HeadProps) {
  return (
    <>
      <section class="card target-head">
        <div class="card-head">
          <h1>{now.name}</h1>
          <Level level={now.level} />
          {now.paused && <span class="mark level-unknown">not probed: {now.paused}</span>}
        </div>
        <p class="faint">
          {now.provider} · {now.model} · {now.operation}
          {now.stream ? ", streamed" : ""}
          {Object.entries(now.labels).map(([key, value]) => (
            <span class="target-label" key={key}>
              {key}={value}
            </span>
          ))}
        </p>
        <dl class="facts">
          <Newest last={now.last} />
          <Settings now={now} detail={detail} />
        </dl>
        <About name={now.name} />
      </section>
      {detail.locations.length > 1 && <Locations detail={detail} />}
      <Card title="Figures">
        <Table
          label="Figures of each window"
          columns={COLUMNS}
          rows={detail.windows}
          rowKey={(row) => row.window}
        />
      </Card>
    </>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Newest({ last }: { last: Last | null }) {
  if (last === null) return <Fact name="newest probe">{NOTHING} (none yet)</Fact>;
  return (
    <>
      <Fact name="newest probe">
        <VerdictBadge verdict={last.verdict} /> <FaultBadge fault={last.fault} /> <Age at={last.at} />,{" "}
        {seconds(last.total_s)}
        {last.status !== null && `, HTTP ${last.status}`}
      </Fact>
      {last.detail && <Fact name="why">{last.detail}</Fact>}
      {last.hint && (
        <Fact name="what to do">
          <strong>{last.hint}</strong>
        </Fact>
      )}
    </>
  );
}

function Settings({ now, detail }: HeadProps) {
  return (
    <>
      <Fact name="probed">
        every {age(now.interval_s)}, for at most {seconds(detail.deadline_s)}
      </Fact>
      <Fact name="prompt">{detail.prompt ?? NOTHING}</Fact>
      <Fact name="expects">
        {detail.expects.length ? detail.expects.map((line) => <div key={line}>{line}</div>) : NOTHING}
      </Fact>
      <Fact name="usual now">{detail.usual || `${NOTHING} (not known yet)`}</Fact>
      <Fact name="provider's own page">{detail.status_page || `${NOTHING} (nothing known)`}</Fact>
    </>
  );
}

function About({ name }: { name: string }) {
  const alerts = (useAlerts() ?? []).filter((alert) => alert.targets.includes(name));
  if (alerts.length === 0) return null;
  return (
    <ul class="target-alerts" aria-label="Alerts about this target">
      {alerts.map((alert) => (
        <li key={alert.fingerprint}>
          <SeverityBadge severity={alert.severity} /> <AlertLine alert={alert} />
        </li>
      ))}
    </ul>
  );
}

function AlertLine({ alert }: { alert: AlertRow }) {
  return (
    <>
      <Link href={`/alerts?explain=${encodeURIComponent(alert.fingerprint)}`}>{alert.name}</Link> is{" "}
      {alert.state} for <Age at={alert.since} ago={false} />: {alert.value}, {alert.condition}{" "}
      <FaultBadge fault={alert.fault} />
      {alert.held_back && <span class="faint"> nobody is told: {alert.held_back}</span>}
    </>
  );
}

const COLUMNS: readonly Column<Figures>[] = [
  { name: "window", head: true, cell: (row) => row.window },
  { name: "p50", number: true, cell: (row) => quantile(row.p50_s) },
  { name: "p95", number: true, cell: (row) => quantile(row.p95_s) },
  { name: "p99", number: true, cell: (row) => quantile(row.p99_s) },
  {
    name: "first token",
    says: "p50 / p95",
    number: true,
    cell: (row) => pair(quantile(row.first_token_p50_s), quantile(row.first_token_p95_s)),
  },
  {
    name: "between tokens",
    says: "p50 of the time between two tokens",
    number: true,
    cell: (row) => quantile(row.inter_token_p50_s),
  },
  { name: "tokens", number: true, cell: (row) => perSecond(row.tokens_per_s_p50?.value) },
  { name: "errors", says: "of all results", number: true, cell: (row) => ratio(row.error_rate) },
  { name: "whose fault", cell: (row) => countsText(row.by_fault) },
  { name: "what happened", cell: (row) => countsText(row.by_verdict) },
  { name: "coverage", says: "results per slot due", number: true, cell: (row) => ratio(row.coverage) },
  {
    name: "results",
    says: "results / missed slots",
    number: true,
    cell: (row) => pair(count(row.samples), count(row.missed)),
  },
  { name: "cost", number: true, cell: (row) => usd(row.cost_usd) },
];

function Locations({ detail }: { detail: TargetDetail }) {
  return (
    <Card title="Locations">
      <p>{detail.standing}</p>
      <Table
        label="This target at each location"
        columns={PLACES}
        rows={detail.locations}
        rowKey={(row) => row.location}
      />
    </Card>
  );
}

const PLACES: readonly Column<AtLocation>[] = [
  {
    name: "location",
    head: true,
    cell: (row) => (row.own ? <strong>{row.location} (here)</strong> : row.location),
  },
  {
    name: "level",
    cell: (row) => (row.figures ? <Level level={row.level} /> : <span class="faint">no report</span>),
  },
  { name: "p95", number: true, cell: (row) => quantile(row.figures?.p95_s ?? null) },
  { name: "errors", says: "of all results", number: true, cell: (row) => ratio(row.figures?.error_rate) },
  {
    name: "results",
    says: "results / missed slots",
    number: true,
    cell: (row) => (row.figures ? pair(count(row.figures.samples), count(row.figures.missed)) : NOTHING),
  },
];

function pair(first: string, second: string): string {
  return first === NOTHING && second === NOTHING ? NOTHING : `${first} / ${second}`;
}

/** Failures by kind, the most first; a dash for none. */
function countsText(counts: Readonly<Record<string, number>>): string {
  const failures = Object.entries(counts).filter(([word, n]) => n > 0 && word !== "ok" && word !== "none");
  if (failures.length === 0) return NOTHING;
  failures.sort((a, b) => b[1] - a[1]);
  return failures.map(([word, n]) => `${word} ${count(n)}`).join(", ");
}
