// What happened in the time shown, as a list: the same that the charts have as bands.
import { useState } from "preact/hooks";
import { KINDS, type Placed, isMoment, marksText } from "../charts/marks.ts";
import { age, local, localShort } from "../format.ts";
import { FaultBadge } from "../parts/index.ts";

/** Shown at first: months of a bad provider have hundreds. */
const LINES = 50;

interface MarkListProps {
  /** Null: not known, which is not the same as none. */
  marks: readonly Placed[] | null;
  chosen: string;
  choose: (key: string) => void;
}

export function MarkList({ marks: known, chosen, choose }: MarkListProps) {
  const marks = known ?? [];
  const [most, setMost] = useState(LINES);
  return (
    <section class="marks" aria-label="What happened in this time">
      <h3>What happened</h3>
      <p class="faint">{marksText(marks) || (known ? "Nothing in this time." : "Not known yet.")}</p>
      <ul>
        {marks.slice(0, most).map((it) => (
          <li key={it.key}>
            <button
              type="button"
              aria-pressed={chosen === it.key}
              onClick={() => choose(chosen === it.key ? "" : it.key)}
            >
              <MarkText it={it} />
            </button>
          </li>
        ))}
      </ul>
      {marks.length > most && (
        <button type="button" onClick={() => setMost(marks.length)}>
          Show all {marks.length}
        </button>
      )}
    </section>
  );
}

function MarkText({ it }: { it: Placed }) {
  const { mark } = it;
  const { letter, word } = KINDS[mark.kind];
  const foreign = mark.kind === "trouble" && mark.fault !== "provider";
  return (
    <>
      <span class={`mark-letter mark-${foreign ? "other" : mark.kind}`} aria-hidden="true">
        {letter}
      </span>
      <span>
        <strong>{mark.title}</strong> {mark.fault && <FaultBadge fault={mark.fault} />}
        <br />
        <time class="faint" dateTime={new Date(mark.at * 1000).toISOString()} title={local(mark.at)}>
          {word}, {localShort(mark.at)}
        </time>
        <span class="faint">{lengthText(it)}</span>
        {mark.detail && (
          <>
            <br />
            {mark.detail}
          </>
        )}
      </span>
    </>
  );
}

function lengthText({ mark }: Placed): string {
  if (mark.until === null) return isMoment(mark.kind) ? "" : ", goes on";
  return mark.until > mark.at ? `, for ${age(mark.until - mark.at)}` : "";
}
