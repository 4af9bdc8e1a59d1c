// What stands around every page: where we are, whether the daemon is well, where to go.
import type { ComponentChildren } from "preact";
import { useEffect, useReducer, useRef, useState } from "preact/hooks";
import { age } from "./format.ts";
import { useAlerts, useInstance, useLink, useSecond } from "./live.ts";
import { Loading } from "./parts/index.ts";
import { Link, targetOf, usePath } from "./router.tsx";
import { keepTheme, readTheme, type Theme } from "./theme.ts";

const PAGES = [
  ["/", "Overview"],
  ["/alerts", "Alerts"],
  ["/slos", "SLOs"],
  ["/costs", "Costs"],
  ["/limits", "Rate limits"],
] as const;

export function Shell({ children }: { children: ComponentChildren }) {
  useTitle();
  useFocusOnPage();
  const link = useLink();
  const starting = useInstance() === null && link.state !== "lost";
  return (
    <div class={starting ? "starting" : ""}>
      {starting && (
        <div class="start">
          <Loading rows={9} rowHeight="tall" />
        </div>
      )}
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="top">
        <Link href="/" class="brand">
          Sonde
        </Link>
        <Where />
        <Navigation />
        <ThemeSwitch />
      </header>
      <Lost />
      <Refused />
      <Discord />
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

function useTitle(): void {
  const alerts = useAlerts();
  const location = useInstance()?.location;
  const firing = alerts?.filter((alert) => alert.state === "firing").length ?? 0;
  const path = usePath();
  useEffect(() => {
    const page = PAGES.find(([at]) => at === path)?.[1] ?? targetOf(path) ?? "";
    document.title = (firing ? `(${firing} firing) ` : "") + [page, "Sonde", location].filter(Boolean).join(" · ");
  }, [firing, location, path]);
}

/** After a step to another page, go on reading there and not where the link was. */
function useFocusOnPage(): void {
  const path = usePath();
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    document.getElementById("main")?.focus({ preventScroll: true });
  }, [path]);
}

function Where() {
  const instance = useInstance();
  const broken = instance?.checks.filter((check) => !check.ok) ?? [];
  if (!instance) return <p class="where">&nbsp;</p>;
  return (
    <p class="where">
      {instance.location} · {instance.version}
      {instance.demo && " · simulated provider"} ·{" "}
      {instance.replicas > 0 && (
        <>
          <Link href="/replicas">{instance.replicas === 1 ? "1 replica" : `${instance.replicas} replicas`}</Link> ·{" "}
        </>
      )}
      <a href="/readyz" class={`mark ${instance.ready ? "level-ok" : "level-failing"}`} title={broken.map((check) => `${check.name}: ${check.detail}`).join("\n")}>
        {instance.ready ? "ready" : "not ready"}
      </a>
      {broken.map((check) => (
        <span key={check.name} class="broken">
          {check.name}: {check.detail}
        </span>
      ))}
    </p>
  );
}

function Navigation() {
  const path = usePath();
  const firing = useAlerts()?.filter((alert) => alert.state === "firing").length ?? 0;
  return (
    <nav aria-label="Pages">
      {PAGES.map(([to, name]) => (
        <Link key={to} href={to} {...(path === to && { "aria-current": "page" as const })}>
          {name}
          {to === "/alerts" && firing > 0 && <span class="count" aria-label={`${firing} firing`}>{firing}</span>}
        </Link>
      ))}
    </nav>
  );
}

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };

function ThemeSwitch() {
  const [theme, setTheme] = useState(readTheme);
  const turn = () => {
    keepTheme(NEXT[theme]);
    setTheme(NEXT[theme]);
  };
  return (
    <button type="button" class="theme" onClick={turn} aria-label={`Colours: ${theme}. Change`}>
      {theme}
    </button>
  );
}

/** Says that what stands here is old, and how old. */
function Lost() {
  const link = useLink();
  const [, again] = useReducer((n: number) => n + 1, 0);
  useSecond(() => link.state === "lost" && again(0));
  if (link.state !== "lost") return null;
  const never = link.heardMs === null;
  const heard = link.heardMs === null ? "" : `Last heard ${age((performance.now() - link.heardMs) / 1000)} ago.`;
  return (
    <p class="banner banner-lost">
      <strong role="status">{never ? link.error || "The daemon does not answer." : "Connection lost."}</strong> {heard} {!never && link.error}
    </p>
  );
}

/** Says where replicas are at odds. */
function Discord() {
  const discord = useInstance()?.discord ?? [];
  if (!discord.length) return null;
  return (
    <p class="banner" role="status">
      Replicas: {discord.join("; ")}
    </p>
  );
}

/** Says that a changed configuration was refused, or wants a restart. */
function Refused() {
  const reload = useInstance()?.reload;
  if (!reload) return null;
  if (!reload.ok) {
    return (
      <p class="banner banner-bad" role="status">
        The changed configuration is refused, the last good one goes on: {reload.error}
      </p>
    );
  }
  if (!reload.needs_restart.length) return null;
  return (
    <p class="banner" role="status">
      The configuration was taken in. A restart is needed for: {reload.needs_restart.join(", ")}
    </p>
  );
}
