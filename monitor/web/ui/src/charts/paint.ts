// Colours and patterns of the charts, read from the page's tokens for the theme that is shown.

import { Topic } from "../topic.ts";

export interface Paint {
  ink: string;
  faint: string;
  grid: string;
  paper: string;
  colours: readonly string[];
  /** Fills that differ by pattern as well as by colour. */
  fills: readonly (CanvasPattern | string)[];
  marks: Readonly<Record<"trouble" | "status_page" | "alert" | "drift", string>>;
}

const COLOURS = 6;
const TILE_PX = 8;
/** Dashes of the lines of comparisons; the first is the target's own, which has none. */
export const DASHES: readonly (readonly number[])[] = [[], [6, 4], [2, 3]];

/** Strokes inside a tile, from x, y to x, y; the first pattern has none. */
const STROKES: readonly (readonly (readonly [number, number, number, number])[])[] = [
  [],
  [[0, 8, 8, 0], [-2, 2, 2, -2], [6, 10, 10, 6]],
  [[0, 4, 8, 4]],
  [[0, 0, 8, 8], [-2, 6, 2, 10], [6, -2, 10, 2]],
  [[4, 0, 4, 8]],
  [[0, 4, 8, 4], [4, 0, 4, 8]],
];

let kept: Paint | null = null;

/** The paint of the theme that is shown now. */
export function paint(): Paint {
  kept ??= readPaint();
  return kept;
}

/** Counts changes of the theme. */
export const themeTurns = new Topic(0);

function repaint(): void {
  kept = null;
  themeTurns.set(themeTurns.value + 1);
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
new MutationObserver(repaint).observe(document.documentElement, {
  attributeFilter: ["data-theme"],
});

function readPaint(): Paint {
  // An element's own colour is the token as the browser resolved it, however it is written.
  const probe = document.body.appendChild(document.createElement("span"));
  const read = (token: string): string => {
    probe.style.color = `var(${token})`;
    return getComputedStyle(probe).color;
  };
  const colours = Array.from({ length: COLOURS }, (_, i) => read(`--line-${i + 1}`));
  const paper = read("--card");
  const found: Paint = {
    ink: read("--ink"),
    faint: read("--faint"),
    grid: read("--line"),
    paper,
    colours,
    fills: colours.map((colour, i) => pattern(colour, paper, i)),
    marks: {
      trouble: read("--cell-bad"),
      status_page: read("--line-5"),
      alert: read("--down-back"),
      drift: read("--line-1"),
    },
  };
  probe.remove();
  return found;
}

function pattern(colour: string, paper: string, number: number): CanvasPattern | string {
  const strokes = STROKES[number] ?? [];
  const tile = document.createElement("canvas");
  const pen = tile.getContext("2d");
  if (strokes.length === 0 || pen === null) return colour;
  tile.width = tile.height = TILE_PX;
  pen.fillStyle = colour;
  pen.fillRect(0, 0, TILE_PX, TILE_PX);
  pen.strokeStyle = paper;
  pen.lineWidth = 1.6;
  for (const [x0, y0, x1, y1] of strokes) {
    pen.beginPath();
    pen.moveTo(x0, y0);
    pen.lineTo(x1, y1);
    pen.stroke();
  }
  return pen.createPattern(tile, "repeat") ?? colour;
}

/** The colour of a line by its number, counted from 1; 0 is the ink of texts. */
export function colourOf(number: number): string {
  return paint().colours[number - 1] ?? paint().ink;
}

export function fillOf(number: number): CanvasPattern | string {
  return paint().fills[number - 1] ?? paint().ink;
}
