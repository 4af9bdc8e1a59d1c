// Small bars beside a number: they show at a glance what the number says.
import type { ComponentChildren } from "preact";

/** `over` is hatched: more than there was is gone. */
export type Tone = "good" | "near" | "over";

interface BarProps {
  /** 0..1, what is filled; null: not known. */
  part: number | null;
  /** Of the same length, after it: what is set aside. */
  reserved?: number;
  tone: Tone;
  /** The number, always beside the bar. */
  children: ComponentChildren;
}

export function Bar({ part, reserved = 0, tone, children }: BarProps) {
  const filled = Math.min(Math.max(part ?? 0, 0), 1);
  const aside = Math.min(Math.max(reserved, 0), 1 - filled);
  return (
    <div class="barred">
      <span class={`bar${part === null ? " bar-unknown" : ""}`} aria-hidden="true">
        <span class={`bar-part bar-${tone}`} style={{ width: `${filled * 100}%` }} />
        <span class="bar-part bar-aside" style={{ width: `${aside * 100}%` }} />
      </span>
      <span class="bar-says">{children}</span>
    </div>
  );
}

const STEP = 4;
const HEIGHT = 24;

/** One bar a day on a scale of their own; a day of which nothing is known has none, 0 has a line. */
export function Days({ values, label }: { values: readonly (number | null)[]; label: string }) {
  const most = Math.max(...values.map((value) => value ?? 0)) || 1;
  const width = Math.max(values.length, 1) * STEP;
  return (
    <svg class="days" viewBox={`0 0 ${width} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      {values.map((value, day) => {
        if (value === null) return null;
        const height = Math.max((value / most) * HEIGHT, 1);
        return <rect key={day} x={day * STEP} y={HEIGHT - height} width={STEP - 1} height={height} />;
      })}
    </svg>
  );
}
