// What stands where there is nothing to show: not yet, not at all, or not any more.
import type { ComponentChildren } from "preact";
import type { ApiError } from "../api.ts";

/** Grey lines of the size of what will come, so that nothing moves when it does. */
export function Loading({ rows = 3, rowHeight = "normal" }: { rows?: number; rowHeight?: "normal" | "tall" | "chart" }) {
  return (
    <div class="loading" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} class={`bone bone-${rowHeight}`} />
      ))}
    </div>
  );
}

/** Nothing is there, and that is no fault: say what would be. */
export function EmptyState({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="empty">
      <p class="empty-title">{title}</p>
      {children}
    </div>
  );
}

/** What went wrong, in the daemon's own words, and a way to try again. */
export function ErrorLine({ error, again }: { error: ApiError | undefined; again?: () => void }) {
  if (!error) return null;
  return (
    <p class="error-line" role="alert">
      <strong>{error.title}</strong> {error.detail}
      {again && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </p>
  );
}
