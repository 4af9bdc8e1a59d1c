// Styles first, from the general to the particular; those of the target's page stand here because
// its code is loaded later.
import "./style.css";
import "uplot/dist/uPlot.min.css";
import "./pages/target.css";
import { type ComponentType, render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Unbroken } from "./broken.tsx";
import { startLive } from "./live.ts";
import { targetOf, usePath } from "./router.tsx";
import { EmptyState, Loading } from "./parts/index.ts";
import { AlertsPage } from "./pages/alerts.tsx";
import { CostsPage } from "./pages/costs.tsx";
import { LimitsPage } from "./pages/limits.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { SlosPage } from "./pages/slos.tsx";
import { Shell } from "./shell.tsx";

type Named = ComponentType<{ name: string }>;

/** The target's page with its chart library is the half of all code: it comes when it is wanted. */
const targetPage = () => import("./pages/target.tsx").then((module): Named => module.TargetPage);
/** Few have replicas, and who has them seldom looks. */
const replicasPage = () => import("./pages/replicas.tsx").then((module): Named => module.ReplicasPage);

function Later({ load, name }: { load: () => Promise<Named>; name: string }) {
  const [Loaded, setLoaded] = useState<Named>();
  const [gone, setGone] = useState(false);
  useEffect(() => {
    load().then(
      (page) => setLoaded(() => page),
      () => setGone(true),
    );
  }, [load]);
  if (gone) return <EmptyState title="This part of the page cannot be loaded: reload it." />;
  return Loaded ? <Loaded name={name} /> : <Loading rows={4} rowHeight="chart" />;
}

function Page() {
  const path = usePath();
  const name = targetOf(path);
  if (name !== null) return <Later key={name} load={targetPage} name={name} />;
  if (path === "/") return <OverviewPage />;
  if (path === "/alerts") return <AlertsPage />;
  if (path === "/slos") return <SlosPage />;
  if (path === "/costs") return <CostsPage />;
  if (path === "/limits") return <LimitsPage />;
  if (path === "/replicas") return <Later key="replicas" load={replicasPage} name="" />;
  return <EmptyState title="There is no such page." />;
}

function Site() {
  const path = usePath();
  return (
    <Shell>
      <Unbroken key={path}>
        <Page />
      </Unbroken>
    </Shell>
  );
}

startLive();
render(<Site />, document.getElementById("app") as HTMLElement);
