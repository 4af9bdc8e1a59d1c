// One target: how it does now, how it did, and what each of its last probes found.
import { ApiError, useGet } from "../api.ts";
import type { TargetDetail } from "../api.ts";
import { useTarget } from "../live.ts";
import { EmptyState, ErrorLine, Loading } from "../parts/index.ts";
import { Link, targetPath } from "../router.tsx";
import { useKept, usePaced } from "./target-asking.ts";
import { TargetCharts } from "./target-charts.tsx";
import { TargetHead } from "./target-head.tsx";
import { TargetProbes } from "./target-probes.tsx";

/** Results of a target that is probed each second arrive faster than a person reads. */
const LEAST_MS = 5_000;

export function TargetPage({ name }: { name: string }) {
  const live = useTarget(name);
  const turn = usePaced(live?.last?.at ?? 0, LEAST_MS);
  const detail = useKept<TargetDetail>(useGet(targetPath(name)), turn);
  if (isUnknown(detail.error)) return <Unknown name={name} />;
  const waiting = detail.loading && !detail.data;
  return (
    <>
      <ErrorLine error={detail.error} again={detail.again} />
      <div class="target-top">
        {detail.data && <TargetHead now={live ?? detail.data.now} detail={detail.data} />}
        {waiting && <Loading rows={2} rowHeight="chart" />}
      </div>
      <div class={waiting ? "target-rest target-waiting" : "target-rest"}>
        <TargetCharts name={name} turn={turn} />
        <TargetProbes name={name} turn={turn} />
      </div>
    </>
  );
}

function isUnknown(error: ApiError | undefined): boolean {
  return error?.status === 404;
}

function Unknown({ name }: { name: string }) {
  return (
    <>
      <h1 class="unseen">{name}</h1>
      <EmptyState title="There is no target of this name.">
        <p>
          None is called “{name}” in the configuration that runs. <Link href="/">See all targets</Link>
        </p>
      </EmptyState>
    </>
  );
}
