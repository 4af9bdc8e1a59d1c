// The charts of one target over one stretch of time, and the list of what happened in it.
import { useCallback, useMemo, useState } from "preact/hooks";
import { useGet } from "../api.ts";
import type { Answer, Mark, Series } from "../api.ts";
import { Chart } from "../charts/chart.tsx";
import { type Comparison, type Split, figures } from "../charts/figures.ts";
import { gridOf } from "../charts/grid.ts";
import { placedMarks } from "../charts/marks.ts";
import { type Bounds, WEEK_S, boundsOf, dragged, isMoving, moved, rangeOf, rangeWords, zoomed } from "../charts/range.ts";
import { serverNow } from "../live.ts";
import { Card, ErrorLine, Loading } from "../parts/index.ts";
import { targetPath, useQuery } from "../router.tsx";
import { useKept, usePaced } from "./target-asking.ts";
import { MarkList } from "./target-marks.tsx";
import { RangeBar, type Step, stepOfKey } from "./target-range.tsx";

/** Charts of a day hardly change in less, and each asks for a whole series. */
const LEAST_MS = 15_000;
const CHARTS = 7;

interface TargetChartsProps {
  name: string;
  /** Changes when there are newer results. */
  turn: number;
}

export function TargetCharts({ name, turn }: TargetChartsProps) {
  const shown = useShown(usePaced(turn, LEAST_MS));
  const { bounds, step, onDrag, query, change } = shown;
  const { series, marks, others } = useSeries(name, bounds, query);
  const [chosen, setChosen] = useState("");
  const split: Split = query["by"] === "fault" ? "fault" : "verdict";
  const drawing = useMemo(() => {
    if (!series.data) return null;
    const grid = gridOf(series.data);
    return { grid, figures: figures(series.data, grid, others, split) };
  }, [series.data, others, split]);
  const placed = useMemo(() => placedMarks(marks.data ?? [], bounds), [marks.data, bounds]);
  const onKey = (event: KeyboardEvent): void => {
    const meant = event.target === event.currentTarget ? stepOfKey(event) : null;
    if (meant === null) return;
    event.preventDefault();
    step(meant);
  };
  return (
    <Card title="Charts">
      <RangeBar name={name} range={shown.range} query={query} change={change} step={step} />
      <ErrorLine error={series.error ?? marks.error} again={series.error ? series.again : marks.again} />
      <div class="charts-and-marks">
        <div class="charts" aria-busy={series.loading}>
          {drawing === null && !series.error && <Loading rows={CHARTS} rowHeight="chart" />}
          {drawing?.figures.map((figure) => (
            <Chart
              key={figure.id}
              figure={figure}
              grid={drawing.grid}
              bounds={bounds}
              marks={placed}
              chosen={chosen}
              onDrag={onDrag}
              onKey={onKey}
              actions={figure.id === "errors" && <SplitChoice split={split} change={change} />}
            />
          ))}
        </div>
        <MarkList marks={marks.data ? placed : null} chosen={chosen} choose={setChosen} />
      </div>
    </Card>
  );
}

function SplitChoice({ split, change }: { split: Split; change: (words: Record<string, string>) => void }) {
  return (
    <button type="button" class="small" aria-pressed={split === "fault"} onClick={() => change({ by: split === "fault" ? "" : "fault" })}>
      By whose fault
    </button>
  );
}

/** What is shown, from the address; a range up to now moves on with each turn. */
function useShown(turn: number) {
  const [query, change] = useQuery();
  const { since, until, range: name } = query;
  const range = useMemo(() => rangeOf({ since: since ?? "", until: until ?? "", range: name ?? "" }), [since, until, name]);
  const bounds = useMemo(() => boundsOf(range, Math.ceil(serverNow())), [range, isMoving(range) ? turn : 0]);
  const step = useCallback(
    (meant: Step) => change(stepped(bounds, meant)),
    [bounds],
  );
  const onDrag = useCallback((from: number, to: number) => change(rangeWords(dragged(from, to, serverNow()))), []);
  return { range, bounds, query, change, step, onDrag };
}

function stepped(bounds: Bounds, meant: Step): Record<string, string> {
  const now = serverNow();
  switch (meant) {
    case "in":
      return rangeWords(zoomed(bounds, 0.5, now));
    case "out":
      return rangeWords(zoomed(bounds, 2, now));
    case "earlier":
      return rangeWords(moved(bounds, -0.25, now));
    case "later":
      return rangeWords(moved(bounds, 0.25, now));
    case "reset":
      return { since: "", until: "" };
  }
}

interface Past {
  series: Answer<Series>;
  marks: Answer<Mark[]>;
  others: readonly Comparison[];
}

/** Ask for the series and marks, then for what they are compared with, in the same steps. */
function useSeries(name: string, bounds: Bounds, query: Record<string, string>): Past {
  const words = { since: bounds.since, until: bounds.until };
  const series = useKept(useGet<Series>(`${targetPath(name)}/series`, words), 0);
  const marks = useKept(useGet<Mark[]>(`${targetPath(name)}/events`, words), 0);
  const week = useOther(query["week"] ? name : "", series.data, WEEK_S);
  const other = useOther(query["with"] ?? "", series.data, 0);
  const others = useMemo(() => {
    const found: Comparison[] = [];
    if (week) found.push({ label: "last week", series: week, shift_s: WEEK_S });
    if (other) found.push({ label: query["with"] ?? "", series: other, shift_s: 0 });
    return found;
  }, [week, other]);
  return { series, marks, others };
}

/** Another series over the stretch of this one, so much earlier; "": none is asked for. */
function useOther(name: string, like: Series | undefined, earlier_s: number): Series | undefined {
  const path = name && like ? `${targetPath(name)}/series` : null;
  const words = like && {
    since: like.since - earlier_s,
    until: like.until - earlier_s,
    step_s: like.step_s,
  };
  const answer = useKept(useGet<Series>(path, words), 0);
  return answer.data?.target === name ? answer.data : undefined;
}
