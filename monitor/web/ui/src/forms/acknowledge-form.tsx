// Somebody looks after an alert: no more messages about it until it is over.
import { useState } from "preact/hooks";
import { type AlertRow, post, type SilenceRow } from "../api.ts";
import { keepAuthor, readAuthor } from "./author.ts";
import { authorProblems, AUTHOR_CHARS, COMMENT_CHARS } from "./draft.ts";
import { Field, TextField } from "./field.tsx";
import { Form, useSubmit } from "./submit.tsx";
import { LENGTHS } from "./times.ts";

/** As the command line has it: an alert that nobody ended for a week needs to be looked at again. */
const AT_MOST_S = 604_800;

interface AcknowledgeFormProps {
  alert: AlertRow;
  close: () => void;
  done: (silence: SilenceRow) => void;
}

export function AcknowledgeForm({ alert, close, done }: AcknowledgeFormProps) {
  const [author, setAuthor] = useState(readAuthor);
  const [comment, setComment] = useState("");
  const [for_s, setFor] = useState(AT_MOST_S);
  const sending = useSubmit(
    ["author", "comment", "ends"],
    () => authorProblems({ author, comment }),
    () => post<SilenceRow>(`/alerts/${encodeURIComponent(alert.fingerprint)}/acknowledge`, { author: author.trim(), comment: comment.trim(), for_s }),
    (silence) => {
      keepAuthor(author.trim());
      done(silence);
      close();
    },
  );
  const { shown, changed } = sending;
  const and = <Value,>(set: (value: Value) => void) => (value: Value) => {
    set(value);
    changed();
  };
  return (
    <Form sending={sending} act="Acknowledge" close={close}>
      <p>No more messages about it until it is over. When it fires again after that, that is news.</p>
      <TextField label="Your name" value={author} set={and(setAuthor)} most={AUTHOR_CHARS} problem={shown["author"]} autocomplete="name" />
      <TextField label="What you do about it" value={comment} set={and(setComment)} most={COMMENT_CHARS} problem={shown["comment"]} />
      <Field label="At most for" problem={shown["ends"]}>
        {(tied) => (
          <select value={for_s} onChange={(event) => and(setFor)(Number(event.currentTarget.value))} {...tied}>
            {LENGTHS.map(([length_s, name]) => <option key={length_s} value={length_s}>{name}</option>)}
          </select>
        )}
      </Field>
    </Form>
  );
}
