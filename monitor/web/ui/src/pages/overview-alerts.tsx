// What fires, on top of everything else, with whose fault it is.
import type { AlertRow } from "../api.ts";
import { useAlerts } from "../live.ts";
import { Age, Card, FaultBadge, SeverityBadge } from "../parts/index.ts";
import { Link, queryText, targetPath } from "../router.tsx";
import { counted } from "./alerts-words.ts";

// As many as leave the targets in sight; the others are a click away.
const MOST = 6;

export function FiringAlerts() {
  const alerts = useAlerts();
  const firing = alerts?.filter((alert) => alert.state !== "pending") ?? [];
  const pending = (alerts?.length ?? 0) - firing.length;
  const title = alerts === null ? "Alerts" : counted(firing) || "No alert is firing";
  const more = firing.length > MOST ? `All ${firing.length}` : pending ? `${pending} pending` : "All alerts";
  return (
    <Card title={title} actions={<Link href="/alerts">{more}</Link>}>
      {firing.length > 0 && (
        <ul class="firing">
          {firing.slice(0, MOST).map((alert) => (
            <Firing key={alert.fingerprint} alert={alert} />
          ))}
        </ul>
      )}
    </Card>
  );
}

function Firing({ alert }: { alert: AlertRow }) {
  const quiet = alert.acknowledged || alert.held_back;
  return (
    <li>
      <SeverityBadge severity={alert.severity} /> <strong>{alert.name}</strong>{" "}
      <Subject alert={alert} /> <FaultBadge fault={alert.fault} />{" "}
      <span>
        {alert.value} <small>{alert.condition}</small>
      </span>{" "}
      <small>
        {alert.state === "clearing" ? "clearing, for" : "for"} <Age at={alert.since} ago={false} />
      </small>
      {quiet ? <small class="cut"> {quiet}</small> : null}
      <Link href={`/alerts${queryText({ explain: alert.fingerprint })}`} aria-label={`Explain ${alert.name} of ${alert.subject}`}>
        Explain
      </Link>
    </li>
  );
}

function Subject({ alert }: { alert: AlertRow }) {
  const known = alert.targets.includes(alert.subject);
  return known ? <Link href={targetPath(alert.subject)}>{alert.subject}</Link> : <span>{alert.subject}</span>;
}
