// Moments and ages, by the daemon's clock.
import { useRef } from "preact/hooks";
import { age, local, NOTHING, utc } from "../format.ts";
import { serverNow, useSecond } from "../live.ts";

/** How long ago something was, counted on each second without drawing anything else anew. */
export function Age({ at, ago = true }: { at: number | null; ago?: boolean }) {
  const element = useRef<HTMLTimeElement>(null);
  const text = () => (at === null ? NOTHING : age(serverNow() - at) + (ago ? " ago" : ""));
  useSecond(() => {
    const shown = element.current?.firstChild;
    const next = text();
    if (shown && shown.nodeValue !== next) shown.nodeValue = next;
  });
  return at === null ? <span>{NOTHING}</span> : <time ref={element} dateTime={iso(at)} title={bothTimes(at)}>{text()}</time>;
}

/** A moment in the reader's own time, with UTC for whoever points at it. */
export function When({ at }: { at: number | null }) {
  return at === null ? <span>{NOTHING}</span> : <time dateTime={iso(at)} title={utc(at)}>{local(at)}</time>;
}

const iso = (at: number): string => new Date(at * 1000).toISOString();
const bothTimes = (at: number): string => `${local(at)} (${utc(at)})`;
