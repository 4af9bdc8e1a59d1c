// One chart as uPlot draws it: https://github.com/leeoniya/uPlot/tree/master/docs

import uPlot from "uplot";
import { type Figure, type Line } from "./figures.ts";
import { type Column, lonely, stacked } from "./grid.ts";
import { KINDS, type Placed } from "./marks.ts";
import { DASHES, colourOf, fillOf, paint } from "./paint.ts";
import type { Bounds } from "./range.ts";
import { valueText } from "./words.ts";

/** What a plot asks for each time it draws; it keeps nothing of it. */
export interface View {
  bounds: () => Bounds;
  figure: () => Figure;
  marks: () => readonly Placed[];
  /** The key of the mark that somebody points at in the list; "" for none. */
  chosen: () => string;
  onDrag: (from: number, to: number) => void;
  /** A moment that somebody points at; null: nobody points. */
  onPoint: (at: number | null) => void;
}

export const HEIGHT_PX = 200;
const SYNC = "target";
/** Wide enough for "$0.000123", the same everywhere: the charts' times stand below each other. */
const AXIS_PX = 74;
/** Half of the last time on the axis. */
const RIGHT_PX = 20;
const LANE_PX = 5;
const LANES = 4;
const FONT = "12px system-ui, sans-serif";
const LETTER_FONT = "600 10px system-ui, sans-serif";
/** Drags shorter than this are clicks. */
const LEAST_DRAG_PX = 6;
/** Signs of lower bounds do not stand closer than this. */
const SIGN_PX = 7;

/** Hours on a clock of 24, days before months. The columns are uPlot's: step, then what is written
 * each time, and what is added where the year, month, day … changes. */
const TIMES: (string | number | null)[][] = [
  [31_536_000, "{YYYY}", null, null, null, null, null, null, 1],
  [2_419_200, "{MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [86_400, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1],
  [60, "{HH}:{mm}", "\n{D} {MMM}", null, "\n{D} {MMM}", null, null, null, 1],
];

export function options(figure: Figure, width: number, view: View): uPlot.Options {
  return {
    width,
    height: HEIGHT_PX,
    padding: [LANES * LANE_PX + 4, RIGHT_PX, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: false },
      drag: { x: true, y: false, setScale: false, dist: LEAST_DRAG_PX },
      // The others follow the pointer, but each chart is dragged over by itself.
      sync: { key: SYNC, filters: { pub: (type) => type === "mousemove" || type === "mouseleave" } },
    },
    scales: {
      x: { time: true, range: () => [view.bounds().since, view.bounds().until] },
      y: { range: (_, __, most) => [0, figure.top ?? (most > 0 ? most * 1.08 : 1)] },
    },
    axes: axes(figure),
    series: [{}, ...drawn(figure).map((it) => (it.bar ? bar(it.line) : line(it.line)))],
    hooks: {
      drawAxes: [(plot) => drawMarks(plot, view)],
      drawSeries: [(plot, place) => place > 0 && drawBounds(plot, place, view.figure())],
      setCursor: [(plot) => view.onPoint(pointed(plot))],
      setSelect: [(plot) => select(plot, view)],
    },
  };
}

export function data(figure: Figure, at: readonly number[]): uPlot.AlignedData {
  return [[...at], ...drawn(figure).map((it) => it.values)];
}

interface Drawn {
  line: Line;
  values: Column;
  bar: boolean;
}

/** Lines as they are. Stacks from the whole to its lowest part: each covers what is above it. */
function drawn(figure: Figure): Drawn[] {
  const own = figure.lines.filter((it) => it.dash === 0);
  const others = figure.lines.filter((it) => it.dash > 0);
  const plain = (it: Line): Drawn => ({ line: it, values: it.values, bar: false });
  if (figure.shape === "lines") return [...others, ...own].map(plain);
  const heights = stacked(own.map((it) => it.values));
  const bars = own.map((it, i) => ({ line: it, values: heights[i] ?? [], bar: true }));
  return [...bars.reverse(), ...others.map(plain)];
}

function line({ colour, dash }: Line): uPlot.Series {
  const stroke = (): string => colourOf(colour);
  return {
    stroke,
    width: dash ? 1.25 : 1.75,
    dash: [...(DASHES[dash] ?? [])],
    // Between two gaps there is no line to be seen.
    points: { show: true, size: 4, fill: stroke, filter: (plot, place) => lonely(plot.data[place] ?? []) },
  };
}

function bar({ colour }: Line): uPlot.Series {
  const paths = uPlot.paths.bars?.({ align: 1, size: [0.92, 60, 1] });
  const look = { fill: () => fillOf(colour), width: 0, points: { show: false } };
  return paths ? { ...look, paths } : look;
}

function axes(figure: Figure): uPlot.Axis[] {
  const shared = {
    stroke: () => paint().faint,
    grid: { stroke: () => paint().grid, width: 1 },
    ticks: { stroke: () => paint().grid, width: 1, size: 4 },
    font: FONT,
  };
  const whole = figure.unit === "count" ? { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] } : {};
  return [
    { ...shared, values: TIMES, size: 44, space: 64 },
    {
      ...shared,
      ...whole,
      size: AXIS_PX,
      values: (_, splits) => splits.map((value) => valueText(figure.unit, value)),
    },
  ];
}

function pointed(plot: uPlot): number | null {
  const left = plot.cursor.left ?? -1;
  return left < 0 ? null : plot.posToVal(left, "x");
}

function select(plot: uPlot, view: View): void {
  const { left, width } = plot.select;
  if (width < LEAST_DRAG_PX) return;
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  view.onDrag(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
}

function drawMarks(plot: uPlot, view: View): void {
  const pen = plot.ctx;
  const ratio = uPlot.pxRatio;
  const lane = LANE_PX * ratio;
  const { top, height } = plot.bbox;
  pen.save();
  pen.font = LETTER_FONT.replace("10px", `${10 * ratio}px`);
  for (const it of view.marks()) {
    const left = plot.valToPos(it.since, "x", true);
    const width = Math.max(ratio, plot.valToPos(it.until, "x", true) - left);
    const strip = top - (LANES - it.lane) * lane;
    const chosen = it.key === view.chosen();
    pen.fillStyle = markColour(it);
    pen.globalAlpha = chosen ? 0.35 : it.since === it.until ? 0.7 : 0.12;
    pen.fillRect(left, strip, width, top + height - strip);
    pen.globalAlpha = 1;
    pen.fillRect(left, strip, Math.max(width, 4 * ratio), lane - ratio);
    if (chosen) pen.fillText(KINDS[it.mark.kind].letter, left, strip - ratio);
  }
  pen.restore();
}

/** Trouble that is not the provider's fault is grey: nobody there can be woken for it. */
export function markColour({ mark }: Placed): string {
  const ours = mark.kind === "trouble" && mark.fault !== "provider";
  return ours ? paint().faint : paint().marks[mark.kind];
}

/** A triangle that points up, wherever a line is only known to be at least there. */
function drawBounds(plot: uPlot, place: number, figure: Figure): void {
  const it = figure.shape === "lines" ? drawn(figure)[place - 1]?.line : undefined;
  if (!it?.atLeast) return;
  const size = 3.5 * uPlot.pxRatio;
  let last = -Infinity;
  const pen = plot.ctx;
  pen.save();
  pen.fillStyle = colourOf(it.colour);
  it.values.forEach((value, i) => {
    const at = plot.data[0]?.[i];
    if (value === null || at === undefined || !it.atLeast?.[i]) return;
    const x = plot.valToPos(at, "x", true);
    const inside = x >= plot.bbox.left && x <= plot.bbox.left + plot.bbox.width;
    if (!inside || x - last < SIGN_PX * uPlot.pxRatio) return;
    last = x;
    triangle(pen, x, plot.valToPos(value, "y", true), size);
  });
  pen.restore();
}

function triangle(pen: CanvasRenderingContext2D, x: number, y: number, size: number): void {
  pen.beginPath();
  pen.moveTo(x, y - size * 1.4);
  pen.lineTo(x + size, y + size * 0.6);
  pen.lineTo(x - size, y + size * 0.6);
  pen.closePath();
  pen.fill();
}
