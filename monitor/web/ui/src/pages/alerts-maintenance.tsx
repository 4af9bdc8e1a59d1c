// Work that is announced: what people planned here, and the calendar of the configuration.
import { type MaintenanceRow, useGet } from "../api.ts";
import { Card, type Column, EmptyState, ErrorLine, Loading, When } from "../parts/index.ts";
import type { TabProps } from "./alerts.tsx";
import { SilenceTable, useSilences } from "./alerts-silences.tsx";
import { Stacked } from "./stacked.tsx";

const EVERY_S = 60;
const EXAMPLE = `maintenance:
  - {match: {provider: house}, every: "Sun 02:00-04:00", timezone: Europe/Berlin}
  - {match: {target: "house-*"}, from: "2026-12-24 22:00", until: "2026-12-25 04:00"}
`;

export function MaintenanceTab({ ask, changes }: TabProps) {
  const plan = <button type="button" class="primary" onClick={() => ask({ kind: "plan", matchers: [] })}>Plan work …</button>;
  const { data, error, again } = useSilences(changes);
  const planned = data?.filter(({ state }) => state === "scheduled");
  return (
    <>
      <Card title="Planned work" actions={plan}>
        <ErrorLine error={error} again={again} />
        {!planned && !error && <Loading rows={2} />}
        {planned?.length === 0 && (
          <EmptyState title="Nothing is planned.">
            <p>Planned work is a silence that starts later. While it lasts it stands among the silences.</p>
          </EmptyState>
        )}
        {planned && planned.length > 0 && <SilenceTable silences={planned} ask={ask} />}
      </Card>
      <Windows />
    </>
  );
}

const COLUMNS: readonly Column<MaintenanceRow>[] = [
  { name: "When", head: true, cell: (row) => row.schedule },
  { name: "Alerts", cell: (row) => row.matchers.map((text) => <code key={text} class="matcher-text">{text}</code>) },
  {
    name: "Next",
    cell: (row) =>
      row.active ? <><span class="mark level-slow">under way</span> until <When at={row.next_until} /></>
      : row.next_at === null ? "never again"
      : <><When at={row.next_at} /> until <When at={row.next_until} /></>,
  },
  { name: "Why", cell: (row) => <span class="words">{row.comment || row.name}</span> },
];

function Windows() {
  const { data, error, again } = useGet<MaintenanceRow[]>("/maintenance", {}, EVERY_S);
  return (
    <Card title="Calendar">
      <ErrorLine error={error} again={again} />
      {!data && !error && <Loading rows={2} />}
      {data?.length === 0 && (
        <EmptyState title="The configuration has no maintenance windows.">
          <p>What comes back each week is best said there:</p>
          <pre>{EXAMPLE}</pre>
        </EmptyState>
      )}
      {data && data.length > 0 && (
        <Stacked label="Maintenance windows" columns={COLUMNS} rows={data} rowKey={(row) => `${row.name} ${row.schedule}`} />
      )}
      {data && data.length > 0 && <p class="hint">These are changed in the configuration, under <code>maintenance</code>.</p>}
    </Card>
  );
}
