// What asks something before it does something: Escape leaves it, and the focus goes back.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

interface DialogProps {
  title: string;
  /** It is gone, whatever closed it. */
  closed: () => void;
  children: (close: () => void) => ComponentChildren;
}

/** The browser gives the focus back to what had it. Where that is gone the page has it, not nothing. */
function focusSomewhere(): boolean {
  const nowhere = document.activeElement === document.body;
  if (nowhere) document.getElementById("main")?.focus({ preventScroll: true });
  return nowhere;
}

/** The same for what goes away later, when a list is otherwise because of the `changes` made here:
 * once for each, since whoever reads on without a focus is not to be moved again. */
export function useFocusKept(listed: unknown, changes: number): void {
  const settled = useRef(0);
  useEffect(() => {
    if (changes > settled.current && focusSomewhere()) settled.current = changes;
  }, [listed]);
}

export function Dialog({ title, closed, children }: DialogProps) {
  const id = useId();
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => element.current?.showModal(), []);
  const gone = () => {
    closed();
    focusSomewhere();
  };
  return (
    <dialog ref={element} aria-labelledby={id} onClose={gone}>
      <h2 id={id}>{title}</h2>
      {children(() => element.current?.close())}
    </dialog>
  );
}
