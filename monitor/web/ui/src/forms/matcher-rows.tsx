// Which alerts a silence means: a row for each label, with what there is now to choose from.
import { useId } from "preact/hooks";
import type { Problems } from "./draft.ts";
import type { Matcher } from "./matchers.ts";

interface MatcherRowsProps {
  matchers: readonly Matcher[];
  set: (matchers: Matcher[]) => void;
  problems: Problems;
  /** Labels there are, and what each can be. */
  known: ReadonlyMap<string, readonly string[]>;
}

export function MatcherRows({ matchers, set, problems, known }: MatcherRowsProps) {
  const id = useId();
  const change = (index: number, part: Partial<Matcher>) =>
    set(matchers.map((each, at) => (at === index ? { ...each, ...part } : each)));
  return (
    <fieldset class="matchers" aria-describedby={`${id}-hint`}>
      <legend>Alerts whose labels all match</legend>
      <datalist id={`${id}-labels`}>
        {[...known.keys()].map((name) => <option key={name} value={name} />)}
      </datalist>
      {matchers.map((matcher, index) => (
        <Row
          key={index}
          id={`${id}-${index}`}
          index={index}
          matcher={matcher}
          labels={`${id}-labels`}
          values={known.get(matcher.label.trim()) ?? []}
          problems={problems}
          change={(part) => change(index, part)}
          {...(matchers.length > 1 && { remove: () => set(matchers.filter((_, at) => at !== index)) })}
        />
      ))}
      {problems["matchers"] && <p id={`${id}-0-group`} class="problem">{problems["matchers"]}</p>}
      <button type="button" onClick={() => set([...matchers, { label: "", pattern: "" }])}>Add a label</button>
      <p id={`${id}-hint`} class="hint">
        <code>*</code> and <code>?</code> stand for any characters, <code>|</code> parts several patterns, and one that
        begins with <code>!</code> excludes.
      </p>
    </fieldset>
  );
}

interface RowProps {
  id: string;
  index: number;
  matcher: Matcher;
  /** The id of the list of labels. */
  labels: string;
  values: readonly string[];
  problems: Problems;
  change: (part: Partial<Matcher>) => void;
  remove?: () => void;
}

function Row({ id, index, matcher, labels, values, problems, change, remove }: RowProps) {
  const problem = { label: problems[`label-${index}`], pattern: problems[`pattern-${index}`] };
  // What is wrong with all of them together is told at the first.
  const group = index === 0 && problems["matchers"] ? `${id}-group` : "";
  const tied = (own: string | undefined, about: string) =>
    own || about ? { "aria-invalid": "true" as const, "aria-describedby": about || `${id}-problem` } : {};
  return (
    <div class="matcher">
      <input
        aria-label={`Label ${index + 1}`}
        list={labels}
        autocomplete="off"
        placeholder="label"
        maxLength={64}
        value={matcher.label}
        onInput={(event) => change({ label: event.currentTarget.value })}
        {...tied(problem.label, group)}
      />
      <span aria-hidden="true">=</span>
      <input
        aria-label={`Pattern ${index + 1}`}
        list={`${id}-values`}
        autocomplete="off"
        placeholder="pattern"
        value={matcher.pattern}
        onInput={(event) => change({ pattern: event.currentTarget.value })}
        {...tied(problem.pattern, "")}
      />
      <datalist id={`${id}-values`}>
        {values.map((value) => <option key={value} value={value} />)}
      </datalist>
      <button type="button" onClick={remove} disabled={!remove} aria-label={`Remove label ${index + 1}`}>×</button>
      {(problem.label ?? problem.pattern) && <p id={`${id}-problem`} class="problem">{problem.label ?? problem.pattern}</p>}
    </div>
  );
}
