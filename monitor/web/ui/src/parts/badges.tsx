// Words with a shape and a colour: none of the three alone carries the meaning.
import type { TargetNow } from "../api.ts";

export const LEVEL_SAYS: Record<TargetNow["level"], string> = {
  down: "a critical alert fires",
  failing: "the newest probe failed",
  slow: "a warning fires",
  unknown: "no result yet, or no longer",
  ok: "all is well",
};

/** How a target does. */
export function Level({ level }: { level: TargetNow["level"] }) {
  return (
    <span class={`mark level-${level}`} title={LEVEL_SAYS[level]}>
      {level}
    </span>
  );
}

/** What a probe found: `ok` or one of the failures. */
export function VerdictBadge({ verdict }: { verdict: string }) {
  return <span class={`mark ${verdict === "ok" ? "level-ok" : "level-failing"}`}>{verdict}</span>;
}

const FAULT_SAYS: Record<string, string> = {
  provider: "the provider's own fault",
  account: "our account: key, quota or billing",
  request: "our request: the target is set up wrongly",
  network: "the network between us",
  monitor: "our own machine or daemon",
};

/** Whose fault a failure is; nothing for `none`. */
export function FaultBadge({ fault }: { fault: string }) {
  if (!fault || fault === "none") return null;
  return (
    <span class={`fault fault-${fault}`} title={FAULT_SAYS[fault] ?? ""}>
      {fault}
    </span>
  );
}

const SEVERITY_LEVEL: Record<string, string> = { critical: "down", warning: "slow", info: "unknown" };

/** How loud an alert is. */
export function SeverityBadge({ severity }: { severity: string }) {
  return <span class={`mark level-${SEVERITY_LEVEL[severity] ?? "unknown"}`}>{severity}</span>;
}
