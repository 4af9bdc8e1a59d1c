// What keeps alerts quiet because somebody said so.
import { useEffect } from "preact/hooks";
import { type SilenceRow, useGet } from "../api.ts";
import { useFocusKept } from "../forms/dialog.tsx";
import { matched, parseMatcher } from "../forms/matchers.ts";
import { NOTHING } from "../format.ts";
import { useAlerts } from "../live.ts";
import { Card, type Column, EmptyState, ErrorLine, Loading, When } from "../parts/index.ts";
import { useQuery } from "../router.tsx";
import type { Asked, TabProps } from "./alerts.tsx";
import { Stacked } from "./stacked.tsx";

const EVERY_S = 15;

/** All silences, asked for again after each change that was made here. */
export function useSilences(changes: number, expired = false) {
  const answer = useGet<SilenceRow[]>("/silences", { expired: expired || null }, EVERY_S);
  const { again } = answer;
  useEffect(() => {
    if (changes) again();
  }, [changes, again]);
  useFocusKept(answer.data, changes);
  return answer;
}

export function SilencesTab({ ask, changes }: TabProps) {
  const [query, change] = useQuery();
  const expired = query["expired"] === "1";
  const { data, error, again } = useSilences(changes, expired);
  const actions = (
    <>
      <label class="check">
        <input type="checkbox" checked={expired} onChange={(event) => change({ expired: event.currentTarget.checked ? "1" : "" })} />
        also those that are over
      </label>
      <button type="button" class="primary" onClick={() => ask({ kind: "silence", matchers: [] })}>New silence …</button>
    </>
  );
  return (
    <Card title="Silences and acknowledgements" actions={actions}>
      <ErrorLine error={error} again={again} />
      {!data && !error && <Loading rows={3} />}
      {data?.length === 0 && (
        <EmptyState title="No alert is kept quiet by anybody.">
          <p>A silence keeps alerts from people for a while. They are still evaluated, counted and listed.</p>
        </EmptyState>
      )}
      {data && data.length > 0 && <SilenceTable silences={data} ask={ask} />}
    </Card>
  );
}

export function SilenceTable({ silences, ask }: { silences: SilenceRow[]; ask: (asked: Asked) => void }) {
  const columns: Column<SilenceRow>[] = [
    { name: "Alerts", head: true, cell: (row) => <Meant matchers={row.matchers} /> },
    { name: "State", cell: (row) => <SilenceState silence={row} /> },
    { name: "Matches", says: "Alerts of now whose labels it matches", number: true, cell: (row) => <Matched silence={row} /> },
    { name: "Starts", cell: (row) => <When at={row.starts_at} /> },
    { name: "Ends", cell: (row) => <>{row.until_resolved && "with its alert, at the latest "}<When at={row.ends_at} /></> },
    { name: "Of", cell: (row) => row.author },
    { name: "Why", cell: (row) => <span class="words">{row.comment}</span> },
    { name: "Do", cell: (row) => <Acts silence={row} ask={ask} /> },
  ];
  return <Stacked label="Silences" columns={columns} rows={silences} rowKey={(row) => row.id} rowClass={(row) => `silence-${row.state}`} />;
}

/** What it means: labels with their patterns, and of a fingerprint which alert that is, if it is there now. */
function Meant({ matchers }: { matchers: readonly string[] }) {
  const alerts = useAlerts() ?? [];
  return (
    <>
      {matchers.map((text) => {
        const alert = alerts.find(({ fingerprint }) => text === `fingerprint=${fingerprint}`);
        return (
          <div key={text}>
            <code class="matcher-text">{text}</code>
            {alert && <small class="below">{alert.name} of {alert.subject}</small>}
          </div>
        );
      })}
    </>
  );
}

/** Counted here, as the daemon matches: it follows the alerts as they come, and says it of planned work too. */
function Matched({ silence: { matchers, state } }: { silence: SilenceRow }) {
  const alerts = useAlerts() ?? [];
  return <>{state === "expired" ? NOTHING : matched(matchers, alerts).length}</>;
}

const STATE_LEVEL: Record<SilenceRow["state"], string> = { active: "slow", scheduled: "unknown", expired: "unknown" };

function SilenceState({ silence: { state, until_resolved } }: { silence: SilenceRow }) {
  return (
    <>
      <span class={`mark level-${STATE_LEVEL[state]}`}>{state}</span>
      {until_resolved && <small> acknowledgement</small>}
    </>
  );
}

function Acts({ silence, ask }: { silence: SilenceRow; ask: (asked: Asked) => void }) {
  const what = silence.matchers.join(" ");
  if (silence.state !== "expired") {
    return <button type="button" aria-label={`End the silence of ${what}`} onClick={() => ask({ kind: "expire", silence })}>End …</button>;
  }
  const matchers = silence.matchers.map(parseMatcher);
  return <button type="button" aria-label={`Silence ${what} again`} onClick={() => ask({ kind: "silence", matchers })}>Again …</button>;
}
