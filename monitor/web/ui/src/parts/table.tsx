// Tables that scroll by themselves on a phone, with rows that the keyboard reaches.
import type { ComponentChildren, HTMLAttributes } from "preact";

export interface Column<Row> {
  /** The heading; short. */
  name: string;
  /** What it means, for whoever points at it. */
  says?: string;
  /** Right-aligned figures of equal width. */
  number?: boolean;
  /** The cell that names the row. */
  head?: boolean;
  cell: (row: Row) => ComponentChildren;
}

interface TableProps<Row> {
  /** What the table is, for screen readers. */
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string | number;
  /** What Enter and a click do; then arrow keys move between rows. */
  open?: (row: Row) => void;
  rowClass?: (row: Row) => string;
}

export function Table<Row>({ label, columns, rows, rowKey, open, rowClass }: TableProps<Row>) {
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      <table aria-label={label}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.name} scope="col" class={column.number ? "number" : ""} title={column.says}>
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)} class={rowClass?.(row) ?? ""} {...(open && openable(() => open(row)))}>
              {columns.map((column) => cellOf(column, row))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function cellOf<Row>(column: Column<Row>, row: Row) {
  if (column.head) return <th key={column.name} scope="row">{column.cell(row)}</th>;
  return <td key={column.name} data-name={column.name} class={column.number ? "number" : ""}>{column.cell(row)}</td>;
}

/** What makes a row reachable: a click or Enter opens it, unless a link or button in it was meant. */
export function openable(open: () => void): HTMLAttributes<HTMLTableRowElement> {
  const reach = {
    tabIndex: 0,
    "data-row": "",
    onClick: (event: MouseEvent) => void (meant(event.target) || open()),
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key === "Enter" && event.target === event.currentTarget) open();
      else moveBetweenRows(event);
    },
  };
  return reach;
}

function meant(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("a, button, input, select, label") !== null;
}

/** Arrow keys, Home and End go from row to row, over the whole page. */
export function moveBetweenRows(event: KeyboardEvent): void {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  const here = rows.findIndex((row) => row === event.currentTarget);
  const to = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (to === undefined || here < 0 || event.target !== event.currentTarget) return;
  event.preventDefault();
  rows[Math.min(Math.max(to, 0), rows.length - 1)]?.focus();
}
