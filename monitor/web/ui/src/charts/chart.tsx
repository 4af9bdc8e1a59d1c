// One chart with everything around it: what it shows in words, its legend, and itself as a table.
import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { useTopic } from "../topic.ts";
import type { Figure } from "./figures.ts";
import type { Grid } from "./grid.ts";
import type { Placed } from "./marks.ts";
import { themeTurns } from "./paint.ts";
import { type View, data, options } from "./plot.ts";
import type { Bounds } from "./range.ts";
import { FigureTable } from "./figure-table.tsx";
import { Legend, type Told } from "./legend.tsx";
import { figureText, isEmpty } from "./words.ts";

export interface ChartProps {
  figure: Figure;
  grid: Grid;
  bounds: Bounds;
  marks: readonly Placed[];
  chosen: string;
  onDrag: (from: number, to: number) => void;
  onKey: (event: KeyboardEvent) => void;
  /** What else can be done with this chart. */
  actions?: ComponentChildren;
}

export function Chart(props: ChartProps) {
  const { figure, grid } = props;
  const id = useId();
  const [asTable, setAsTable] = useState(false);
  const text = useMemo(() => figureText(figure), [figure]);
  const told = useRef<Told | null>(null);
  return (
    <figure class="chart" aria-labelledby={`${id}-title`}>
      <div class="chart-head">
        <h3 id={`${id}-title`}>{figure.title}</h3>
        {props.actions}
        <button type="button" class="small" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          Show as table<span class="unseen">: {figure.title}</span>
        </button>
      </div>
      <p class="chart-text" id={`${id}-text`}>
        {text}
      </p>
      {asTable ? (
        <FigureTable figure={figure} grid={grid} />
      ) : (
        <div
          class="plot"
          role="group"
          aria-label={`${figure.title}, chart. Plus and minus zoom, arrows move, Escape resets.`}
          aria-describedby={`${id}-text`}
          tabIndex={0}
          onKeyDown={props.onKey}
        >
          <Plot {...props} point={(at) => told.current?.(at)} />
          {isEmpty(figure) && <p class="plot-nothing">{figure.nothing}</p>}
        </div>
      )}
      <Legend figure={figure} grid={grid} told={told} />
    </figure>
  );
}

interface PlotProps extends ChartProps {
  point: (at: number | null) => void;
}

/** The canvas. It is made anew when other lines or another theme are shown, else only told. */
function Plot(props: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const now = useRef(props);
  now.current = props;
  const turn = useTopic(themeTurns);
  const { figure, grid, bounds, marks, chosen } = props;
  const shape = figure.lines.map((line) => `${line.key}:${line.dash}`).join("\n");

  useLayoutEffect(() => {
    const host = place.current;
    if (host === null) return;
    const made = new uPlot(
      options(now.current.figure, host.clientWidth, viewOf(now)),
      data(now.current.figure, now.current.grid.at),
      host,
    );
    plot.current = made;
    const watcher = new ResizeObserver(() => resize(made, host.clientWidth));
    watcher.observe(host);
    return () => {
      watcher.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape, turn]);

  // The first of each was drawn as the plot was made.
  useChange(() => plot.current?.setData(data(figure, grid.at)), [figure, grid, bounds]);
  useChange(() => plot.current?.redraw(false, false), [marks, chosen]);
  return <div class="plot-canvas" ref={place} />;
}

function viewOf(now: { readonly current: PlotProps }): View {
  return {
    bounds: () => now.current.bounds,
    figure: () => now.current.figure,
    marks: () => now.current.marks,
    chosen: () => now.current.chosen,
    onDrag: (from, to) => now.current.onDrag(from, to),
    onPoint: (at) => now.current.point(at),
  };
}

function resize(plot: uPlot, width: number): void {
  if (width > 0 && width !== plot.width) plot.setSize({ width, height: plot.height });
}

/** Like useEffect, but not for the first time. */
function useChange(act: () => void, inputs: readonly unknown[]): void {
  const first = useRef(true);
  useEffect(() => {
    if (first.current) first.current = false;
    else act();
  }, inputs);
}
