// Alerts: what is wrong now and who knows of it, what is kept quiet, what was decided.
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { AcknowledgeForm } from "../forms/acknowledge-form.tsx";
import { Dialog } from "../forms/dialog.tsx";
import { ExpireForm } from "../forms/expire-form.tsx";
import { draftOf, SilenceForm } from "../forms/silence-form.tsx";
import type { AlertRow, SilenceRow } from "../api.ts";
import type { Matcher } from "../forms/matchers.ts";
import { local } from "../format.ts";
import { Link, queryText, useQuery } from "../router.tsx";
import { HistoryTab } from "./alerts-history.tsx";
import { MaintenanceTab } from "./alerts-maintenance.tsx";
import { NowTab } from "./alerts-now.tsx";
import { SilencesTab } from "./alerts-silences.tsx";
import { TABS } from "./alerts-words.ts";
import { WritesTab } from "./alerts-writes.tsx";
import "../forms/forms.css";
import "./alerts.css";
import "./figures.css";

/** What somebody wants to change: a dialog asks for the rest. */
export type Asked =
  | { kind: "acknowledge"; alert: AlertRow }
  | { kind: "silence" | "plan"; matchers: Matcher[] }
  | { kind: "expire"; silence: SilenceRow };

export interface TabProps {
  ask: (asked: Asked) => void;
  /** Grows with each change that was made here: what is listed is otherwise. */
  changes: number;
}

const SHOWN: Record<string, (props: TabProps) => VNode> = {
  silences: SilencesTab,
  maintenance: MaintenanceTab,
  history: HistoryTab,
  writes: WritesTab,
};

export function AlertsPage() {
  const tab = useQuery()[0]["tab"] ?? "";
  const [asked, setAsked] = useState<Asked | null>(null);
  const [said, setSaid] = useState("");
  const [changes, setChanges] = useState(0);
  const Tab = SHOWN[tab] ?? NowTab;
  const done = (text: string) => {
    setSaid(text);
    setChanges((n) => n + 1);
  };
  const ask = (next: Asked) => {
    setSaid("");
    setAsked(next);
  };
  return (
    <>
      <div class="page-head">
        <h1>Alerts</h1>
        <Tabs tab={SHOWN[tab] ? tab : ""} />
      </div>
      <p class="said" role="status">{said}</p>
      <Tab ask={ask} changes={changes} />
      {asked && <AskDialog asked={asked} closed={() => setAsked(null)} done={done} />}
    </>
  );
}

function Tabs({ tab }: { tab: string }) {
  return (
    <nav class="tabs" aria-label="Parts of this page">
      {TABS.map(([key, name]) => (
        <Link key={key} href={`/alerts${queryText({ tab: key })}`} {...(key === tab && { "aria-current": "page" as const })}>
          {name}
        </Link>
      ))}
    </nav>
  );
}

interface AskDialogProps {
  asked: Asked;
  closed: () => void;
  done: (text: string) => void;
}

function AskDialog({ asked, closed, done }: AskDialogProps) {
  if (asked.kind === "acknowledge") {
    const { alert } = asked;
    const told = () => done(`${alert.name} of ${alert.subject} is acknowledged.`);
    return (
      <Dialog title={`Acknowledge ${alert.name} of ${alert.subject}`} closed={closed}>
        {(close) => <AcknowledgeForm alert={alert} close={close} done={told} />}
      </Dialog>
    );
  }
  if (asked.kind === "expire") {
    return (
      <Dialog title={asked.silence.until_resolved ? "End this acknowledgement?" : "End this silence?"} closed={closed}>
        {(close) => <ExpireForm silence={asked.silence} close={close} done={() => done("It has ended.")} />}
      </Dialog>
    );
  }
  const planned = asked.kind === "plan";
  const told = ({ id, state, starts_at, ends_at }: SilenceRow) =>
    done(state === "scheduled" ? `Silence ${id} starts ${local(starts_at)}.` : `Silence ${id} holds until ${local(ends_at)}.`);
  return (
    <Dialog title={planned ? "Plan work" : "New silence"} closed={closed}>
      {(close) => <SilenceForm first={draftOf(asked.matchers, planned)} planned={planned} close={close} done={told} />}
    </Dialog>
  );
}
