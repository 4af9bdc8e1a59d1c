// From when until when: by a length or to the minute, in the clocks of whoever types it.
import { local } from "../format.ts";
import { serverNow } from "../live.ts";
import { type Draft, type Problems, times } from "./draft.ts";
import { Field } from "./field.tsx";
import { LENGTHS, toField, zone } from "./times.ts";

interface TimeFieldsProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  problems: Problems;
  /** Work that is announced: it does not start now. */
  planned: boolean;
}

export function TimeFields({ draft, change, problems, planned }: TimeFieldsProps) {
  const now = serverNow();
  const { starts_at, ends_at } = times(draft, now);
  const exact = draft.length_s === null;
  return (
    <fieldset class="times">
      <legend>When</legend>
      {!planned && (
        <Field label="Starts">
          {(tied) => (
            <select
              value={draft.starts === null ? "now" : "at"}
              onChange={(event) => change({ starts: event.currentTarget.value === "now" ? null : toField(now + 3_600) })}
              {...tied}
            >
              <option value="now">now</option>
              <option value="at">at …</option>
            </select>
          )}
        </Field>
      )}
      {draft.starts !== null && (
        <Moment label={planned ? "Starts" : "Start"} value={draft.starts} set={(starts) => change({ starts })} problem={problems["starts"]} />
      )}
      <Length draft={draft} change={change} end={toField(ends_at ?? (starts_at ?? now) + 3_600)} />
      {exact && <Moment label="End" value={draft.ends} set={(ends) => change({ ends })} problem={problems["ends"]} />}
      {!exact && problems["ends"] && <p class="problem" role="alert">{problems["ends"]}</p>}
      <p class="hint">
        {ends_at === null ? "Times" : `Ends ${local(ends_at)}. Times`} are of this browser's clocks ({zone(ends_at ?? now)}).
      </p>
    </fieldset>
  );
}

function Length({ draft, change, end }: Pick<TimeFieldsProps, "draft" | "change"> & { end: string }) {
  const chosen = (value: string) =>
    change(value === "exact" ? { length_s: null, ends: end } : { length_s: Number(value) });
  return (
    <Field label="Lasts">
      {(tied) => (
        <select value={draft.length_s ?? "exact"} onChange={(event) => chosen(event.currentTarget.value)} {...tied}>
          {LENGTHS.map(([length_s, name]) => <option key={length_s} value={length_s}>{name}</option>)}
          <option value="exact">until …</option>
        </select>
      )}
    </Field>
  );
}

interface MomentProps {
  label: string;
  value: string;
  set: (value: string) => void;
  problem: string | undefined;
}

function Moment({ label, value, set, problem }: MomentProps) {
  return (
    <Field label={label} problem={problem}>
      {(tied) => <input type="datetime-local" value={value} onInput={(event) => set(event.currentTarget.value)} {...tied} />}
    </Field>
  );
}
