// One probe: a row, and behind it everything else that is known of it.
import { Component, type ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import type { ProbeRow } from "../api.ts";
import { bars } from "../charts/waterfall.ts";
import { NOTHING, count, localClock, localDay, seconds, usd, utc } from "../format.ts";
import { FaultBadge, VerdictBadge, When } from "../parts/index.ts";
import { moveBetweenRows } from "../parts/table.tsx";
import { Copy } from "./target-copy.tsx";
import { Waterfall } from "./target-waterfall.tsx";

const COLUMNS = 8;
const TAINTED = "Our own lateness spoiled its times: they count in no figure.";

interface ProbeEntryProps {
  row: ProbeRow;
  scale_s: number;
}

/** What a probe found does not change: it is drawn anew for another scale alone, not with each newer
 * probe, and not while the charts are zoomed. (Elements that are kept by useMemo would do that too,
 * but Preact's point to the tree they were first drawn in, and so to all that came before.) */
export class ProbeEntry extends Component<ProbeEntryProps> {
  override shouldComponentUpdate(next: ProbeEntryProps): boolean {
    return next.row.id !== this.props.row.id || next.scale_s !== this.props.scale_s;
  }

  override render() {
    return <Entry {...this.props} />;
  }
}

function Entry({ row, scale_s }: ProbeEntryProps) {
  const id = useId();
  const [open, setOpen] = useState(false);
  return (
    <tbody>
      <tr>
        <th scope="row">
          <button
            type="button"
            class="probe-open"
            aria-expanded={open}
            aria-controls={id}
            data-row=""
            onClick={() => setOpen(!open)}
            onKeyDown={moveBetweenRows}
          >
            <VerdictBadge verdict={row.verdict} />
          </button>{" "}
          <FaultBadge fault={row.fault} />
        </th>
        <td class="probe-when">
          <time dateTime={new Date(row.at * 1000).toISOString()} title={utc(row.at)}>
            {localDay(row.at)} {localClock(row.at)}
          </time>
          {row.attempt > 1 && <span class="faint"> try {row.attempt}</span>}
        </td>
        <td class="number">
          {seconds(row.total_s)}
          {row.tainted && <abbr title={TAINTED}> *</abbr>}
        </td>
        <Figure name="first token" text={seconds(row.first_token_s)} />
        <Figure name="tokens" text={tokensText(row)} />
        <Figure name="cost" text={usd(row.cost_usd)} />
        <Figure name="HTTP" text={row.status === null ? NOTHING : String(row.status)} />
        <td class="probe-waterfall">
          <Waterfall row={row} scale_s={scale_s} />
        </td>
      </tr>
      <tr id={id} class="probe-more" hidden={!open}>
        <td colSpan={COLUMNS}>{open && <Particulars row={row} />}</td>
      </tr>
    </tbody>
  );
}

/** A cell; on a phone, where no heading stands above it, with its name, or left out if unknown. */
function Figure({ name, text }: { name: string; text: string }) {
  return (
    <td class={text === NOTHING ? "number unknown" : "number"} data-name={name}>
      {text}
    </td>
  );
}

function tokensText(row: ProbeRow): string {
  if (row.input_tokens === null && row.output_tokens === null) return NOTHING;
  return `${count(row.input_tokens)} / ${count(row.output_tokens)}`;
}

/** Whatever is unknown has no line. */
function Particulars({ row }: { row: ProbeRow }) {
  return (
    <dl class="facts">
      <Fact name="why">{row.detail}</Fact>
      <Fact name="what to do">{row.hint && <strong>{row.hint}</strong>}</Fact>
      <Fact name="request id">
        {row.request_id && (
          <>
            <code>{row.request_id}</code> <Copy text={row.request_id} what="request id" />
          </>
        )}
      </Fact>
      <Fact name="returned model">{row.returned_model}</Fact>
      <Fact name="* its times">{row.tainted && TAINTED}</Fact>
      <Fact name="sent">
        <When at={row.at} /> ({utc(row.at)})
      </Fact>
      <Fact name="slot, attempt">
        {row.slot}, {row.attempt}
      </Fact>
      <Fact name="stages">{bars(row.stages, 1).map((bar) => (
        <span class="stage" key={bar.label}>
          {bar.label} {seconds(bar.took_s)}
          {!bar.ended && " (ended here)"}
        </span>
      ))}</Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  if (!children || (Array.isArray(children) && children.length === 0)) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
