// A field with its label, its hint and what is wrong with it, tied together for screen readers.
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

/** What a control needs so that its label and its problem are read with it. */
export interface Tied {
  id: string;
  "aria-describedby"?: string;
  "aria-invalid"?: "true";
}

interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  problem?: string | undefined;
  children: (tied: Tied) => ComponentChildren;
}

export function Field({ label, hint, problem, children }: FieldProps) {
  const id = useId();
  const [hintId, problemId] = [`${id}-hint`, `${id}-problem`];
  const about = [hint && hintId, problem && problemId].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, ...(about && { "aria-describedby": about }), ...(problem && { "aria-invalid": "true" as const }) })}
      {hint && <p id={hintId} class="hint">{hint}</p>}
      {problem && <p id={problemId} class="problem">{problem}</p>}
    </div>
  );
}

interface TextProps {
  label: string;
  hint?: ComponentChildren;
  problem?: string | undefined;
  value: string;
  set: (value: string) => void;
  most: number;
  /** What a browser may fill in by itself. */
  autocomplete?: "name" | "off";
}

/** A line of text. */
export function TextField({ label, hint, problem, value, set, most, autocomplete = "off" }: TextProps) {
  return (
    <Field label={label} hint={hint} problem={problem}>
      {(tied) => (
        <input
          type="text"
          maxLength={most}
          value={value}
          autocomplete={autocomplete}
          onInput={(event) => set(event.currentTarget.value)}
          {...tied}
        />
      )}
    </Field>
  );
}
