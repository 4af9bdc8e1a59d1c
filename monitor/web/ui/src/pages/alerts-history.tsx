// What was decided about alerts, the newest first.
import { useEffect, useRef } from "preact/hooks";
import type { HistoryRow } from "../api.ts";
import { Card, type Column, EmptyState, ErrorLine, Loading, When } from "../parts/index.ts";
import { Link, queryText, useQuery } from "../router.tsx";
import type { TabProps } from "./alerts.tsx";
import { More, usePaged } from "./paged.tsx";
import { Stacked } from "./stacked.tsx";

const COLUMNS: readonly Column<HistoryRow>[] = [
  { name: "When", cell: (row) => <When at={row.at} /> },
  { name: "Alert", head: true, cell: (row) => `${row.name} of ${row.subject}` },
  { name: "What happened", cell: (row) => <span class="words">{row.text}</span> },
  { name: "Channel", cell: (row) => row.channel },
  { name: "Do", cell: (row) => <Explain row={row} /> },
];

const EVERY_S = 15;

/** From a day before: that is where the story began, more often than not. */
const BEFORE_S = 86_400;

function Explain({ row }: { row: HistoryRow }) {
  const words = queryText({ explain: row.fingerprint, since: String(Math.floor(row.at - BEFORE_S)) });
  return <Link href={`/alerts${words}`} aria-label={`Explain ${row.name} of ${row.subject}`}>explain</Link>;
}

export function HistoryTab(_: TabProps) {
  const [query, change] = useQuery();
  const word = query["word"] ?? "";
  const list = usePaged<HistoryRow>("/alerts/history", { word }, EVERY_S);
  return (
    <Card title="Decisions" actions={<Filter word={word} set={(next) => change({ word: next })} />}>
      {!list.items && !list.error && <Loading rows={8} />}
      {list.items?.length === 0 && (
        <EmptyState title={word ? `Nothing was decided about ${word}.` : "Nothing was decided yet."}>
          {word && <p>The word is an alert's name, a target, or a fingerprint, whole.</p>}
        </EmptyState>
      )}
      {list.items && list.items.length > 0 && <Stacked label="Decisions about alerts" columns={COLUMNS} rows={list.items} rowKey={(row) => row.id} />}
      <ErrorLine error={list.error} {...(list.more && { again: list.more })} />
      <More list={list} />
    </Card>
  );
}

function Filter({ word, set }: { word: string; set: (word: string) => void }) {
  const input = useRef<HTMLInputElement>(null);
  // By itself it keeps what is typed; the address may change by going back.
  useEffect(() => {
    if (input.current) input.current.value = word;
  }, [word]);
  const submit = (event: Event) => {
    event.preventDefault();
    set(input.current?.value.trim() ?? "");
  };
  return (
    <form class="filter" role="search" onSubmit={submit}>
      <input ref={input} type="search" aria-label="Alert's name, target or fingerprint" placeholder="alert, target or fingerprint" />
      <button type="submit">Filter</button>
    </form>
  );
}
