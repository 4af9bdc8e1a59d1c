import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

/** A part of a page with a heading of its own, and what can be done with it on the right. */
export function Card({ title, actions, children }: { title: ComponentChildren; actions?: ComponentChildren; children: ComponentChildren }) {
  const id = useId();
  return (
    <section class="card" aria-labelledby={id}>
      <header class="card-head">
        <h2 id={id}>{title}</h2>
        {actions && <div class="card-actions">{actions}</div>}
      </header>
      {children}
    </section>
  );
}
