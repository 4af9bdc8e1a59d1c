// One probe's stages as bars on a scale that all rows of a page share.

import type { Stage } from "../api.ts";

export type Look = "road" | "wait" | "flow" | "cut";

const NAMES: Readonly<Record<string, readonly [string, Look]>> = {
  resolve: ["resolve name", "road"],
  connect: ["connect", "road"],
  proxy: ["wait for proxy", "road"],
  tls: ["TLS handshake", "road"],
  send: ["send request", "road"],
  head: ["wait for head", "wait"],
  first_token: ["first token", "wait"],
  reasoning: ["reasoning", "wait"],
  answer: ["answer", "flow"],
  body: ["body", "flow"],
  end: ["end of stream", "flow"],
};
/** Of the whole width: nothing is too short to be seen. */
const LEAST = 0.004;

export interface Bar {
  label: string;
  look: Look;
  /** Where it begins and how long it is, as parts of the whole width, 0..1. */
  left: number;
  width: number;
  took_s: number;
  ended: boolean;
}

/** The end of the scale for these rows, in seconds: that of the longest, never 0. */
export function scaleOf(rows: readonly { stages: readonly Stage[] }[]): number {
  let end = 0;
  for (const row of rows) for (const stage of row.stages) end = Math.max(end, stage.end_s);
  return end > 0 ? end : 1;
}

export function bars(stages: readonly Stage[], scale_s: number): Bar[] {
  return stages.map((stage) => {
    const [label, look] = NAMES[stage.name] ?? [stage.name, "wait"];
    const left = Math.min(1 - LEAST, Math.max(0, stage.start_s / scale_s));
    const right = Math.min(1, Math.max(left + LEAST, stage.end_s / scale_s));
    const took_s = Math.max(0, stage.end_s - stage.start_s);
    const ended = stage.ended ?? true;
    return { label, look: ended ? look : "cut", left, width: right - left, took_s, ended };
  });
}

/** The same in words, for those who do not see the bars. */
export function barsText(drawn: readonly Bar[], duration: (s: number) => string): string {
  if (drawn.length === 0) return "nothing was sent";
  return drawn
    .map((bar) => `${bar.label} ${duration(bar.took_s)}${bar.ended ? "" : ", ended here"}`)
    .join(", ");
}
