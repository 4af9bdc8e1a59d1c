// What is pending, firing or clearing: whose fault, why, and who knows of it.
import { useState } from "preact/hooks";
import type { AlertRow } from "../api.ts";
import { useFocusKept } from "../forms/dialog.tsx";
import { useAlerts } from "../live.ts";
import { Age, Card, EmptyState, FaultBadge, Loading, SeverityBadge } from "../parts/index.ts";
import { Link, targetPath, useQuery } from "../router.tsx";
import type { Asked, TabProps } from "./alerts.tsx";
import { StoryOf } from "./alerts-story.tsx";
import { became, counted, linkable, matchersFor, quiet, STATE_SAYS } from "./alerts-words.ts";

/** More than a person reads; drawing them all takes a phone seconds. */
const AT_ONCE = 100;

export function NowTab({ ask, changes }: TabProps) {
  const alerts = useAlerts();
  useFocusKept(alerts, changes);
  const [query, change] = useQuery();
  const explained = query["explain"] ?? "";
  const [all, setAll] = useState(false);
  if (!alerts) return <Loading rows={4} rowHeight="tall" />;
  const since = Number(query["since"]) || null;
  const place = alerts.findIndex(({ fingerprint }) => fingerprint === explained);
  const over = explained !== "" && place < 0;
  const shown = all || place >= AT_ONCE ? alerts : alerts.slice(0, AT_ONCE);
  const explain = (fingerprint: string) => change({ explain: explained === fingerprint ? "" : fingerprint, since: "" });
  return (
    <>
      {over && (
        <Card title="What became of it" actions={<button type="button" onClick={() => explain(explained)}>Close</button>}>
          <StoryOf fingerprint={explained} since={since} />
        </Card>
      )}
      {alerts.length === 0 && (
        <EmptyState title="No alert is pending or firing.">
          <p>What was, and who was told of it, is in the <Link href="/alerts?tab=history">history</Link>.</p>
        </EmptyState>
      )}
      {alerts.length > 0 && <p class="faint">{counted(alerts)}</p>}
      <ul class="alerts">
        {shown.map((alert) => (
          <Alert key={alert.fingerprint} alert={alert} ask={ask} explained={alert.fingerprint === explained} explain={explain} />
        ))}
      </ul>
      {shown.length < alerts.length && (
        <button type="button" class="more" onClick={() => setAll(true)}>Show all {alerts.length}</button>
      )}
    </>
  );
}

interface AlertProps {
  alert: AlertRow;
  ask: (asked: Asked) => void;
  explained: boolean;
  explain: (fingerprint: string) => void;
}

function Alert({ alert, ask, explained, explain }: AlertProps) {
  const { fingerprint, name, subject } = alert;
  const what = `${name} of ${subject}`;
  return (
    <li class={`card alert alert-${alert.state}`} id={fingerprint}>
      <div class="alert-head">
        <SeverityBadge severity={alert.severity} />
        <h2>{what}</h2>
        <FaultBadge fault={alert.fault} />
        {quiet(alert) && <span class="mark level-unknown">{quiet(alert)}</span>}
        <span class="alert-age"><Age at={alert.since} ago={false} /></span>
      </div>
      <Facts alert={alert} />
      <details class="labels">
        <summary>Labels</summary>
        {Object.entries(alert.labels).map(([label, value]) => <code key={label}>{label}={value}</code>)}
      </details>
      <div class="alert-acts">
        {!alert.acknowledged && (
          <button type="button" onClick={() => ask({ kind: "acknowledge", alert })} aria-label={`Acknowledge ${what}`}>Acknowledge …</button>
        )}
        <button type="button" onClick={() => ask({ kind: "silence", matchers: matchersFor(alert) })} aria-label={`Silence ${what}`}>
          Silence …
        </button>
        <button type="button" aria-expanded={explained} onClick={() => explain(fingerprint)} aria-label={`Explain ${what}`}>
          Explain
        </button>
      </div>
      {explained && <StoryOf fingerprint={fingerprint} since={alert.since} />}
    </li>
  );
}

function Facts({ alert }: { alert: AlertRow }) {
  return (
    <dl class="alert-facts">
      <dt>State</dt>
      <dd>{STATE_SAYS[alert.state]}</dd>
      <dt>Value</dt>
      <dd>
        <strong>{alert.value || "–"}</strong> <span class="faint">against</span> <code>{alert.condition}</code>
      </dd>
      <dt>Told</dt>
      <dd>{became(alert).map((line) => <div key={line}>{line}</div>)}</dd>
      {alert.notes.length > 0 && <dt>Notes</dt>}
      {alert.notes.length > 0 && <dd>{alert.notes.map((line) => <div key={line}>{line}</div>)}</dd>}
      {alert.targets.length > 0 && <dt>{alert.targets.length === 1 ? "Target" : "Targets"}</dt>}
      {alert.targets.length > 0 && <dd><Targets names={alert.targets} /></dd>}
      {Object.entries(alert.annotations).map(([name, text]) => [<dt key={`${name}=`}>{name}</dt>, <dd key={name}><Annotation text={text} /></dd>])}
    </dl>
  );
}

const TARGETS_NAMED = 10;

function Targets({ names }: { names: readonly string[] }) {
  const rest = names.length - TARGETS_NAMED;
  return (
    <>
      {names.slice(0, TARGETS_NAMED).map((name) => <Link key={name} href={targetPath(name)} class="listed">{name}</Link>)}
      {rest > 0 && `and ${rest} ${rest === 1 ? "other" : "others"}`}
    </>
  );
}

/** What the rule adds. The configuration's own words; an address of the web becomes a link. */
function Annotation({ text }: { text: string }) {
  const href = linkable(text);
  return href ? <a href={href} rel="noopener noreferrer">{text}</a> : <>{text}</>;
}
