// Who changed what through the API, the newest first.
import type { Write } from "../api.ts";
import { Card, type Column, EmptyState, ErrorLine, Loading, When } from "../parts/index.ts";
import type { TabProps } from "./alerts.tsx";
import { More, usePaged } from "./paged.tsx";
import { Stacked } from "./stacked.tsx";

const COLUMNS: readonly Column<Write>[] = [
  { name: "When", cell: (row) => <When at={row.at} /> },
  { name: "Who", cell: (row) => row.who },
  { name: "Did", head: true, cell: (row) => row.action },
  { name: "To", cell: (row) => <code>{row.subject}</code> },
  { name: "Detail", cell: (row) => <span class="words">{row.detail}</span> },
];

export function WritesTab({ changes }: TabProps) {
  return <Writes key={changes} />;
}

function Writes() {
  const list = usePaged<Write>("/audit");
  return (
    <Card title="Writes through the API">
      {!list.items && !list.error && <Loading rows={6} />}
      {list.items?.length === 0 && <EmptyState title="Nothing was changed through the API yet." />}
      {list.items && list.items.length > 0 && (
        <Stacked label="Writes" columns={COLUMNS} rows={list.items} rowKey={(row) => `${row.at} ${row.action} ${row.subject}`} />
      )}
      <ErrorLine error={list.error} {...(list.more && { again: list.more })} />
      <More list={list} />
    </Card>
  );
}
