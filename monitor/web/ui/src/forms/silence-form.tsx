// A silence: at once, or for planned work.
import { useState } from "preact/hooks";
import { type AlertRow, post, type SilenceRow } from "../api.ts";
import { serverNow, useAlerts, useInstance, useOverview } from "../live.ts";
import { keepAuthor, readAuthor } from "./author.ts";
import { AUTHOR_CHARS, COMMENT_CHARS, type Draft, problems, request } from "./draft.ts";
import { TextField } from "./field.tsx";
import { MatcherRows } from "./matcher-rows.tsx";
import { type Labels, type Matcher, matcherProblem, matcherText, matched, suggestions } from "./matchers.ts";
import { Form, useSubmit } from "./submit.tsx";
import { TimeFields } from "./time-fields.tsx";
import { toField } from "./times.ts";

/** Tomorrow at this hour is when most work is planned for, more or less. */
const PLANNED_AHEAD_S = 86_400;
const HOUR_S = 3_600;

/** A draft with these matchers; `planned`: for work that starts later. */
export function draftOf(matchers: readonly Matcher[], planned = false): Draft {
  const hour = Math.ceil(serverNow() / HOUR_S) * HOUR_S;
  const starts_at = hour + PLANNED_AHEAD_S;
  return {
    matchers: matchers.length ? [...matchers] : [{ label: "", pattern: "" }],
    author: readAuthor(),
    comment: "",
    starts: planned ? toField(starts_at) : null,
    length_s: planned ? null : 2 * HOUR_S,
    ends: toField(starts_at + 2 * HOUR_S),
  };
}

interface SilenceFormProps {
  first: Draft;
  planned: boolean;
  close: () => void;
  done: (silence: SilenceRow) => void;
}

export function SilenceForm({ first, planned, close, done }: SilenceFormProps) {
  const [draft, setDraft] = useState(first);
  const sending = useSubmit(
    ["matchers", ...(draft.starts === null ? [] : ["starts"]), "ends", "author", "comment"],
    () => problems(draft, serverNow()),
    () => post<SilenceRow>("/silences", request(draft, serverNow())),
    (silence) => {
      keepAuthor(draft.author.trim());
      done(silence);
      close();
    },
  );
  const change = (part: Partial<Draft>) => {
    setDraft((before) => ({ ...before, ...part }));
    sending.changed();
  };
  const { shown } = sending;
  return (
    <Form sending={sending} act={planned ? "Plan it" : "Silence"} close={close}>
      <MatcherRows matchers={draft.matchers} set={(matchers) => change({ matchers })} problems={shown} known={useKnown()} />
      <Preview matchers={draft.matchers} later={draft.starts !== null} />
      <TimeFields draft={draft} change={change} problems={shown} planned={planned} />
      <TextField
        label="Your name"
        value={draft.author}
        set={(author) => change({ author })}
        most={AUTHOR_CHARS}
        problem={shown["author"]}
        autocomplete="name"
      />
      <TextField label="Why" value={draft.comment} set={(comment) => change({ comment })} most={COMMENT_CHARS} problem={shown["comment"]} />
    </Form>
  );
}

const NAMED = 5;

/** Says which of the alerts that are there now these matchers mean. */
function Preview({ matchers, later }: { matchers: readonly Matcher[]; later: boolean }) {
  const alerts = useAlerts() ?? [];
  const written = matchers.every((_, index) => !matcherProblem(matchers, index));
  const meant = written ? matched(matchers.map(matcherText), alerts) : [];
  const names = meant.slice(0, NAMED).map((alert) => `${alert.name} of ${alert.subject}`);
  const others = meant.length > NAMED ? ` and ${meant.length - NAMED} more` : "";
  return (
    <p class="preview" role="status">
      {!written && "Fill in the labels to see what it keeps quiet."}
      {written && `${later ? "If it started now it would keep" : "Keeps"} ${meant.length} of ${alerts.length} current alerts quiet`}
      {written && (meant.length ? `: ${names.join(", ")}${others}.` : ".")}
    </p>
  );
}

function useKnown(): Map<string, string[]> {
  const [alerts, targets, instance] = [useAlerts(), useOverview(), useInstance()];
  const ofAlerts: Labels[] = (alerts ?? []).map((alert: AlertRow) => alert.labels);
  const ofTargets = (targets ?? []).map(({ name: target, provider, model, operation, labels }) => {
    return { ...labels, target, provider, model, operation };
  });
  return suggestions([...ofAlerts, ...ofTargets, ...(instance ? [{ location: instance.location }] : [])]);
}
