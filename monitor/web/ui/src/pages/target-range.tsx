// What stretch of time the charts show, and what they are compared with.
import { useOverview } from "../live.ts";
import type { Query } from "../router.tsx";
import { RANGES, type Range, type RangeName, isMoving, rangeWords } from "../charts/range.ts";

/** What can be done with the range by keys as well as by buttons. */
export type Step = "in" | "out" | "earlier" | "later" | "reset";

const STEPS: readonly [Step, string, string][] = [
  ["earlier", "←", "Earlier"],
  ["later", "→", "Later"],
  ["in", "+", "Zoom in"],
  ["out", "−", "Zoom out"],
];
const KEYS: Readonly<Record<string, Step>> = {
  "+": "in",
  "=": "in",
  "-": "out",
  ArrowLeft: "earlier",
  ArrowRight: "later",
  Escape: "reset",
  "0": "reset",
};

/** What a key on a chart means; null: nothing of ours. */
export function stepOfKey(event: KeyboardEvent): Step | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  return KEYS[event.key] ?? null;
}

interface RangeBarProps {
  name: string;
  range: Range;
  query: Query;
  change: (words: Query) => void;
  step: (step: Step) => void;
}

export function RangeBar({ name, range, query, change, step }: RangeBarProps) {
  const shown = isMoving(range) ? range.name : null;
  return (
    <div class="range" role="group" aria-label="Time shown">
      <div class="buttons">
        {(Object.keys(RANGES) as RangeName[]).map((each) => (
          <button
            type="button"
            key={each}
            aria-pressed={each === shown}
            onClick={() => change(rangeWords({ name: each }))}
          >
            {each.replace(/(\D)$/, " $1")}
          </button>
        ))}
      </div>
      <div class="buttons">
        {STEPS.map(([each, sign, label]) => (
          <button type="button" key={each} aria-label={label} title={label} onClick={() => step(each)}>
            {sign}
          </button>
        ))}
        <button type="button" disabled={shown !== null} onClick={() => step("reset")}>
          Reset
        </button>
      </div>
      <label class="check">
        <input
          type="checkbox"
          checked={query["week"] === "1"}
          onChange={(event) => change({ week: event.currentTarget.checked ? "1" : "" })}
        />{" "}
        Compare with last week
      </label>
      <OtherTarget name={name} other={query["with"] ?? ""} choose={(other) => change({ with: other })} />
    </div>
  );
}

interface OtherProps {
  name: string;
  other: string;
  choose: (other: string) => void;
}

function OtherTarget({ name, other, choose }: OtherProps) {
  const known = (useOverview() ?? []).map((target) => target.name).filter((each) => each !== name);
  const names = other && !known.includes(other) ? [other, ...known] : known;
  return (
    <label class="check">
      Compare with target{" "}
      <select value={other} onChange={(event) => choose(event.currentTarget.value)}>
        <option value="">none</option>
        {[...names].sort().map((each) => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    </label>
  );
}
