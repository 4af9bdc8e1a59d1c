// Everything at one look: what fires, then every target, the worst first.
import { Component } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Card, EmptyState, LEVEL_SAYS, Loading } from "../parts/index.ts";
import type { TargetNow } from "../api.ts";
import { useInstance, useOverview } from "../live.ts";
import { LEVELS } from "../order.ts";
import { Link, type Query, useQuery } from "../router.tsx";
import { FiringAlerts } from "./overview-alerts.tsx";
import { COLUMNS, TargetLine } from "./overview-row.tsx";
import { chosen, firstOf, levelCounts, providersOf, type Section, sections } from "./overview-rows.ts";
import "./overview.css";

export function OverviewPage() {
  const targets = useOverview();
  const [words, change] = useQuery();
  return (
    <>
      <h1 class="unseen">Overview</h1>
      <FiringAlerts />
      <Filters targets={targets} words={words} change={change} />
      {targets ? <Targets targets={targets} words={words} /> : <Loading rows={12} rowHeight="tall" />}
    </>
  );
}

interface FiltersProps {
  /** Null: not known yet, which is not the same as none. */
  targets: readonly TargetNow[] | null;
  words: Query;
  change: (words: Query) => void;
}

function Filters({ targets, words, change }: FiltersProps) {
  const search = useRef<HTMLInputElement>(null);
  useEffect(() => focusOnSlash(search.current), []);
  const wanted = words["provider"] ?? "";
  const providers = providersOf(targets ?? [], wanted);
  const counts = levelCounts(targets ?? []);
  return (
    <search class="filters">
      <input
        ref={search}
        type="search"
        value={words["q"] ?? ""}
        placeholder="Search ( / )"
        aria-label="Search targets by name, provider, model, verdict or label"
        onInput={(event) => change({ q: event.currentTarget.value })}
      />
      <select aria-label="Provider" value={wanted} onChange={(event) => change({ provider: event.currentTarget.value })}>
        <option value="">All providers</option>
        {providers.map((provider) => (
          <option key={provider}>{provider}</option>
        ))}
      </select>
      <div class="levels" role="group" aria-label="Level">
        {LEVELS.map((level) => (
          <button
            key={level}
            type="button"
            class={`mark level-${level} ${counts.has(level) ? "" : "none"}`}
            title={LEVEL_SAYS[level]}
            aria-pressed={words["level"] === level}
            onClick={() => change({ level: words["level"] === level ? "" : level })}
          >
            {level} {targets && (counts.get(level) ?? 0)}
          </button>
        ))}
      </div>
    </search>
  );
}

/** Let `/` go to the search, unless somebody types. */
function focusOnSlash(search: HTMLInputElement | null): () => void {
  const listen = (event: KeyboardEvent) => {
    const typing = event.target instanceof Element && event.target.closest("input, textarea, select");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    search?.focus();
  };
  addEventListener("keydown", listen);
  return () => removeEventListener("keydown", listen);
}

// Drawn at once; the others follow, as many in each frame, so that none is late for a key or a click.
const FIRST = 24;

function Targets({ targets, words }: { targets: readonly TargetNow[]; words: Query }) {
  const list = useRef<HTMLDivElement>(null);
  const shown = useRef("");
  const most = useMore(targets.length);
  const wanted = JSON.stringify(sections(chosen(targets, words)));
  // A row that is in use stays where it is: nobody opens another than they were about to.
  if (!(list.current?.querySelector(":focus") && sameNames(shown.current, wanted))) shown.current = wanted;
  const all = firstOf(JSON.parse(shown.current) as Section[], most);
  return (
    <div ref={list} class="providers">
      {all.map(({ provider, names }) => <ProviderRows key={provider} provider={provider} names={JSON.stringify(names)} />)}
      {all.length === 0 && <Nothing any={targets.length > 0} />}
    </div>
  );
}

interface ProviderRowsProps {
  provider: string;
  /** As JSON: the same names are the same text. */
  names: string;
}

/** A tick that moves nothing leaves a table as it is: the rows that are otherwise draw themselves. */
class ProviderRows extends Component<ProviderRowsProps> {
  override shouldComponentUpdate(next: ProviderRowsProps): boolean {
    return next.provider !== this.props.provider || next.names !== this.props.names;
  }

  override render() {
    const { provider, names } = this.props;
    return <ProviderTable section={{ provider, names: JSON.parse(names) as string[] }} />;
  }
}

// As far as they were drawn once: who comes back finds the place they left.
let drawn = FIRST;

/** How many rows to draw now: a few more with each frame, until all are there. */
function useMore(all: number): number {
  const [most, setMost] = useState(drawn);
  useEffect(() => {
    drawn = most;
    if (most >= all) return;
    const timer = setTimeout(() => setMost(most + FIRST));
    return () => clearTimeout(timer);
  }, [most, all]);
  return most;
}

function sameNames(before: string, after: string): boolean {
  const names = (text: string) => (text ? (JSON.parse(text) as Section[]) : []).flatMap((section) => section.names).sort();
  return names(before).join("\n") === names(after).join("\n");
}

function Nothing({ any }: { any: boolean }) {
  if (!any) return <EmptyState title="No target is configured." />;
  return (
    <EmptyState title="No target fits these words.">
      <Link href="/">Show all targets</Link>
    </EmptyState>
  );
}

function ProviderTable({ section }: { section: Section }) {
  const window = useInstance()?.window ?? "";
  const label = `Targets of ${section.provider}, figures over ${window}`;
  const size = section.names.length;
  const title = (
    <>
      {section.provider} <small>{size === 1 ? "1 target" : `${size} targets`} · {window}</small>
    </>
  );
  return (
    <div class="provider" style={`--rows: ${size}`}>
      <Card title={title}>
        <div class="scroll">
          <table role="table" class="targets" aria-label={label}>
            <thead role="rowgroup">
              <tr role="row">
                {COLUMNS.map(([name, says, className], i) => (
                  <th key={i} role="columnheader" scope="col" class={className} title={says}>
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody role="rowgroup">
              {section.names.map((name) => (
                <TargetLine key={name} name={name} />
              ))}
            </tbody>
          </table>
        </div>
      </Card>
    </div>
  );
}
