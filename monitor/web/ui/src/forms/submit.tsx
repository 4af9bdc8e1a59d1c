// Sending a form: once at a time, and what is wrong with it where it is wrong.
import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../api.ts";
import { fieldOf, type Problems } from "./draft.ts";

interface Sending {
  form: RefObject<HTMLFormElement | null>;
  /** What is shown as wrong: nothing before the first try. */
  shown: Problems;
  busy: boolean;
  submit: (event: Event) => void;
  /** The form is otherwise: what the daemon refused may be right by now. */
  changed: () => void;
}

/** `wrong` is what can be seen from here; a refusal of the daemon's goes to the one of the `fields` that
 * it speaks of, else below all of them. */
export function useSubmit<T>(fields: readonly string[], wrong: () => Problems, send: () => Promise<T>, done: (answer: T) => void): Sending {
  const form = useRef<HTMLFormElement>(null);
  const underWay = useRef(false);
  const [tries, setTries] = useState(0);
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState<Problems>({});
  useEffect(() => {
    if (tries) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [tries]);

  const trySend = async () => {
    try {
      done(await send());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const field = fieldOf(error.detail);
      setRefused({ [fields.includes(field) ? field : ""]: error.detail });
      setTries((n) => n + 1);
    }
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    if (underWay.current) return;
    if (Object.keys(wrong()).length) return setTries((n) => n + 1);
    underWay.current = true;
    setBusy(true);
    try {
      await trySend();
    } finally {
      underWay.current = false;
      setBusy(false);
    }
  };
  return {
    form,
    shown: tries ? { ...refused, ...wrong() } : refused,
    busy,
    submit: (event) => void submit(event),
    changed: () => setRefused({}),
  };
}

interface FormProps {
  sending: Sending;
  /** What the button says. */
  act: string;
  close: () => void;
  children: ComponentChildren;
}

/** A form in a dialog, with what sends it and what leaves it. */
export function Form({ sending: { form, shown, busy, submit }, act, close, children }: FormProps) {
  return (
    <form ref={form} noValidate onSubmit={submit}>
      {children}
      {shown[""] && <p class="error-line" role="alert">{shown[""]}</p>}
      <div class="form-end">
        <button type="submit" class="primary" aria-disabled={busy}>{busy ? "Sending …" : act}</button>
        <button type="button" onClick={close}>Cancel</button>
      </div>
    </form>
  );
}
