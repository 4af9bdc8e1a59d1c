// Tables that become lists on a phone: each cell below its name, a row below the other.
import { Table } from "../parts/index.ts";

export function Stacked<Row>(props: Parameters<typeof Table<Row>>[0]) {
  return (
    <div class="stacked">
      <Table {...props} />
    </div>
  );
}
