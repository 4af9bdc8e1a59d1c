// What the lines of a chart are, and how much each was where somebody points.
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { localShort } from "../format.ts";
import type { Figure } from "./figures.ts";
import type { Grid } from "./grid.ts";
import { Swatch } from "./swatch.tsx";
import { boundsText, lineText } from "./words.ts";

/** Tell the legend which moment somebody points at; null: nobody does. */
export type Told = (at: number | null) => void;

interface LegendProps {
  figure: Figure;
  grid: Grid;
  told: RefObject<Told | null>;
}

/** Moving the pointer writes texts and draws nothing again: it happens sixty times a second. */
export function Legend({ figure, grid, told }: LegendProps) {
  const values = useRef<(HTMLElement | null)[]>([]);
  const when = useRef<HTMLElement>(null);
  useEffect(() => {
    const tell: Told = (at) => {
      const place = at === null ? -1 : Math.floor((at - grid.since) / grid.step_s);
      const known = grid.at[place];
      write(when.current, known === undefined ? "" : localShort(known));
      figure.lines.forEach((line, i) => {
        write(values.current[i], known === undefined ? "" : lineText(figure, line, place));
      });
    };
    told.current = tell;
    tell(null);
  }, [figure, grid, told]);
  const bounds = boundsText(figure);
  return (
    <div class="legend">
      <ul>
        {figure.lines.map((line, i) => (
          <li key={line.key}>
            <Swatch line={line} bar={figure.shape === "bars" && line.dash === 0} />
            <span>{line.label}</span>
            <b aria-hidden="true" ref={(element) => void (values.current[i] = element)} />
          </li>
        ))}
        {bounds && <li>▲ {bounds}</li>}
      </ul>
      <span class="legend-when" aria-hidden="true" ref={when} />
    </div>
  );
}

function write(element: HTMLElement | null | undefined, text: string): void {
  if (element && element.textContent !== text) element.textContent = text;
}
