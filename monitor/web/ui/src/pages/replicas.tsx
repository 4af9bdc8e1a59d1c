// Replicas: who is there, and who probed what last.
import { type Owner, type Replica, type Replicas, useGet } from "../api.ts";
import { age, count, NOTHING, ratio } from "../format.ts";
import { Age, Card, type Column, EmptyState, ErrorLine, Loading } from "../parts/index.ts";
import { Link, targetPath } from "../router.tsx";
import { Stacked } from "./stacked.tsx";
import { apart } from "./replicas-words.ts";

const EVERY_S = 5;

export function ReplicasPage() {
  const { data, error, again } = useGet<Replicas>("/cluster", {}, EVERY_S);
  return (
    <>
      <h1>Replicas</h1>
      <ErrorLine error={error} again={again} />
      {!data && !error && <Loading rows={4} />}
      {data?.alone && (
        <EmptyState title="This Sonde is alone.">
          <p>With a cluster configured, several share the work through one Redis.</p>
        </EmptyState>
      )}
      {data && !data.alone && <Group group={data} />}
    </>
  );
}

function Group({ group }: { group: Replicas }) {
  return (
    <>
      <Card title={group.connected ? "Heard of in the last ten seconds" : "Redis is not reached: as last heard"}>
        <Stacked label="Replicas" columns={COLUMNS} rows={group.replicas} rowKey={(row) => row.name} />
      </Card>
      <Card title="Who made each target's newest probe">
        <Stacked label="Targets" columns={OWNERS} rows={group.owners} rowKey={(row) => row.target} />
      </Card>
    </>
  );
}

const COLUMNS: readonly Column<Replica>[] = [
  {
    name: "Replica",
    head: true,
    cell: (row) => <>{row.name}{row.own && " (this one)"}<small class="below">{row.location}</small></>,
  },
  { name: "Version", cell: (row) => row.version },
  { name: "Configuration", says: "A digest: alike within a location", cell: (row) => <code>{row.configuration}</code> },
  { name: "Up since", cell: (row) => <Age at={row.started_at} /> },
  { name: "Heard", says: "How long ago", number: true, cell: (row) => age(row.seen_s) },
  { name: "Clock", says: "Against that of Redis", number: true, cell: (row) => apart(row.clock_ahead_s) },
  { name: "In flight", number: true, cell: (row) => count(row.in_flight) },
  { name: "Busy", says: "From 100% it leaves slots to others", number: true, cell: (row) => ratio(row.load_ratio) },
  { name: "Slots", says: "Taken since its start", number: true, cell: (row) => count(row.claims) },
  { name: "Targets", says: "Whose newest probe it made, at this location", number: true, cell: (row) => (row.targets === null ? NOTHING : count(row.targets)) },
];

const OWNERS: readonly Column<Owner>[] = [
  { name: "Target", head: true, cell: (row) => <Link href={targetPath(row.target)}>{row.target}</Link> },
  { name: "Replica", cell: (row) => row.replica ?? NOTHING },
  { name: "Probed", cell: (row) => (row.at === null ? NOTHING : <Age at={row.at} />) },
];
