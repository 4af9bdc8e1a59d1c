// One probe's stages as bars; who does not see them hears them.
import { type Look, bars, barsText } from "../charts/waterfall.ts";
import { seconds } from "../format.ts";
import type { ProbeRow } from "../api.ts";

/** Units of the drawing, which is as wide as its cell: only parts of the whole count. */
const WIDTH = 1000;
const HEIGHT = 10;

/** What the bars' looks mean. A bar that is cut is lower as well, and ends in a line. */
export const STAGE_LOOKS: readonly (readonly [Look, string])[] = [
  ["road", "way there"],
  ["wait", "waiting"],
  ["flow", "answer"],
  ["cut", "ended here"],
];

export function Waterfall({ row, scale_s }: { row: ProbeRow; scale_s: number }) {
  const drawn = bars(row.stages, scale_s);
  const text = barsText(drawn, seconds);
  return (
    <svg class="waterfall" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={text}>
      <title>{text}</title>
      {drawn.map((bar, i) => (
        <rect
          key={i}
          class={`look-${bar.look}`}
          x={bar.left * WIDTH}
          width={bar.width * WIDTH}
          y={bar.ended ? 1 : 3}
          height={bar.ended ? HEIGHT - 2 : HEIGHT - 6}
        />
      ))}
    </svg>
  );
}
