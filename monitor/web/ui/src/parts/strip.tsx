// The past of a target, small enough for a row.
import { useMemo } from "preact/hooks";
import type { Spark, Strip } from "../api.ts";
import { localShort, utcDay } from "../format.ts";
import { CELL, cellText, HEIGHT, sparkPath, sparkText, sparkTop, stripPaths, stripText, type Kind } from "../strip.ts";

const KINDS: readonly Kind[] = ["good", "provider", "other", "none"];
const DAY_S = 86_400;

/** Steps as bars; whoever points at one is told what it was. */
export function StripBars({ strip, name }: { strip: Strip; name: string }) {
  const paths = useMemo(() => stripPaths(strip), [strip]);
  const tell = (event: PointerEvent & { currentTarget: SVGSVGElement }) => {
    const box = event.currentTarget.getBoundingClientRect();
    const step = Math.min(strip.n.length - 1, Math.floor(((event.clientX - box.left) / box.width) * strip.n.length));
    event.currentTarget.parentElement?.setAttribute("title", cellText(strip, step, whenOf(strip, step)));
  };
  return (
    <span class="strip">
      <svg viewBox={`0 0 ${strip.n.length * CELL} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={stripText(strip, name)} onPointerMove={tell}>
        {KINDS.map((kind) => (paths[kind] ? <path key={kind} class={`cell-${kind}`} d={paths[kind]} /> : null))}
      </svg>
    </span>
  );
}

function whenOf(strip: Strip, step: number): string {
  const at = strip.since + step * strip.step_s;
  return strip.step_s >= DAY_S ? `${utcDay(at)} (UTC)` : localShort(at);
}

const WIDTH = 96;
const TALL = 28;

/** p95, p50 and first token over the last day, on one scale. */
export function Sparkline({ spark }: { spark: Spark }) {
  const top = sparkTop(spark);
  const line = (values: (number | null)[]) => sparkPath(values, top, WIDTH, TALL);
  const says = sparkText(spark);
  return (
    <span class="spark" title={says}>
      <svg viewBox={`0 0 ${WIDTH} ${TALL}`} preserveAspectRatio="none" role="img" aria-label={says}>
        <path class="spark-p95" d={line(spark.p95_s)} />
        <path class="spark-first" d={line(spark.first_token_p50_s)} />
        <path class="spark-p50" d={line(spark.p50_s)} />
      </svg>
    </span>
  );
}
