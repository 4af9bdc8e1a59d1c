// A chart's numbers as a table, the newest first: as many at once as a person reads.
import { useState } from "preact/hooks";
import { localShort } from "../format.ts";
import type { Figure } from "./figures.ts";
import type { Grid } from "./grid.ts";
import { lineText } from "./words.ts";

const ROWS = 100;

export function FigureTable({ figure, grid }: { figure: Figure; grid: Grid }) {
  const [most, setMost] = useState(ROWS);
  const known = grid.at
    .map((at, place) => ({ at, place }))
    .filter(({ place }) => figure.lines.some((line) => (line.values[place] ?? null) !== null))
    .reverse();
  return (
    <div class="plot scroll" tabIndex={0} role="region" aria-label={`${figure.title}, table`}>
      <table>
        <thead>
          <tr>
            <th scope="col">From</th>
            {figure.lines.map((line) => (
              <th scope="col" class="number" key={line.key}>
                {line.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {known.slice(0, most).map(({ at, place }) => (
            <tr key={at}>
              <th scope="row">{localShort(at)}</th>
              {figure.lines.map((line) => (
                <td class="number" key={line.key}>
                  {lineText(figure, line, place)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {known.length === 0 && <p>{figure.nothing}</p>}
      {known.length > most && (
        <button type="button" onClick={() => setMost(most + ROWS)}>
          Show {Math.min(ROWS, known.length - most)} more
        </button>
      )}
    </div>
  );
}
