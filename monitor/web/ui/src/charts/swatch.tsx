// The sign of a line in a legend, painted as the chart paints it.
import { useLayoutEffect, useRef } from "preact/hooks";
import { useTopic } from "../topic.ts";
import type { Line } from "./figures.ts";
import { DASHES, colourOf, fillOf, themeTurns } from "./paint.ts";

const WIDTH_PX = 20;
const HEIGHT_PX = 12;

export function Swatch({ line, bar }: { line: Line; bar: boolean }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const turn = useTopic(themeTurns);
  useLayoutEffect(() => {
    const pen = canvas.current?.getContext("2d");
    if (!pen) return;
    pen.clearRect(0, 0, WIDTH_PX, HEIGHT_PX);
    if (bar) {
      pen.fillStyle = fillOf(line.colour);
      pen.fillRect(0, 0, WIDTH_PX, HEIGHT_PX);
      return;
    }
    pen.strokeStyle = colourOf(line.colour);
    pen.lineWidth = 2;
    pen.setLineDash([...(DASHES[line.dash] ?? [])]);
    pen.beginPath();
    pen.moveTo(0, HEIGHT_PX / 2);
    pen.lineTo(WIDTH_PX, HEIGHT_PX / 2);
    pen.stroke();
  }, [line.colour, line.dash, bar, turn]);
  return <canvas ref={canvas} class="swatch" width={WIDTH_PX} height={HEIGHT_PX} aria-hidden="true" />;
}
