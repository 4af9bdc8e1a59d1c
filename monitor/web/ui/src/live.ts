// What the daemon says as it happens: one overview, then the stream's ticks on top of it.
import { useEffect } from "preact/hooks";
import { ApiError, get } from "./api.ts";
import type { AlertRow, Instance, Overview, Spark, Strip, TargetNow, Tick } from "./api.ts";
import { merged, worstFirst } from "./order.ts";
import { Topic, useTopic } from "./topic.ts";

/** A target's past, as the overview draws it. */
export interface Past {
  day: Strip;
  month: Strip;
  spark: Spark;
}

export interface Link {
  /** `waiting`: never heard yet; `live`: the stream is open; `lost`: it is not. */
  state: "waiting" | "live" | "lost";
  /** When we last heard anything (performance.now), null: never. */
  heardMs: number | null;
  /** Why the overview is not to be had; empty: it is. */
  error: string;
}

// The stream says something every 15 s. Silence for longer than two of those is a dead connection
// that nobody told us about (a laptop that slept, a proxy that forgot us).
const SILENCE_MS = 40_000;
const RETRY_MS = 3_000;
const REST_MS = 30_000;
const RESTING_EVERY_MS = 60_000;
// Strips and sparklines change by the hour: they come with the overview, not with ticks.
const PAST_EVERY_MS = 300_000;
// A daemon that has just begun reads its past meanwhile.
const YOUNG_S = 900;
const YOUNG_EVERY_MS = 20_000;

const instance = new Topic<Instance | null>(null);
const alerts = new Topic<AlertRow[] | null>(null);
const order = new Topic<readonly TargetNow[] | null>(null);
const link = new Topic<Link>({ state: "waiting", heardMs: null, error: "" });
const now = new Map<string, Topic<TargetNow | null>>();
const past = new Map<string, Topic<Past | null>>();
// How far this machine's clock is behind the daemon's, in seconds: ages are by the daemon's.
let behindS = 0;

function topicOf<T>(topics: Map<string, Topic<T | null>>, name: string): Topic<T | null> {
  const known = topics.get(name) ?? new Topic<T | null>(null);
  topics.set(name, known);
  return known;
}

/** The time by the daemon's clock, in seconds since the epoch. */
export const serverNow = (): number => Date.now() / 1000 + behindS;
export const useInstance = (): Instance | null => useTopic(instance);
/** All alerts that are pending, firing or clearing; null: not known yet. */
export const useAlerts = (): AlertRow[] | null => useTopic(alerts);
export const useTarget = (name: string): TargetNow | null => useTopic(topicOf(now, name));
export const usePast = (name: string): Past | null => useTopic(topicOf(past, name));
export const useLink = (): Link => useTopic(link);
/** All targets, the worst first; drawn anew when one is otherwise. Null: not known yet. */
export const useOverview = (): readonly TargetNow[] | null => useTopic(order);

function heard(atS: number): void {
  behindS = atS - Date.now() / 1000;
  const open = source?.readyState === EventSource.OPEN;
  link.set({ state: open ? "live" : link.value.state, heardMs: performance.now(), error: "" });
}

function takeOverview(overview: Overview): void {
  heard(overview.instance.now);
  const names = new Set(overview.targets.map((row) => row.now.name));
  for (const [name, topic] of now) if (!names.has(name)) topic.set(null);
  for (const { now: target, ...rest } of overview.targets) {
    topicOf(now, target.name).set(target);
    topicOf(past, target.name).set(rest);
  }
  order.set(worstFirst(overview.targets.map((row) => row.now)));
  alerts.set(overview.alerts);
  instance.set(overview.instance);
}

function takeTick(tick: Tick): void {
  meanwhile.push(tick);
  heard(tick.now);
  for (const target of tick.targets) topicOf(now, target.name).set(target);
  if (tick.targets.length && order.value) order.set(merged(order.value, tick.targets));
  if (tick.alerts) alerts.set(tick.alerts);
  if (tick.instance) instance.set(tick.instance);
  if (!loading) meanwhile = [];
}

let loading: Promise<void> | null = null;
// Ticks that came while an overview was on its way: it may be older than they are.
let meanwhile: Tick[] = [];

/** Ask for the overview, once at a time. */
function load(): Promise<void> {
  loading ??= ask().finally(() => (loading = null));
  return loading;
}

async function ask(): Promise<void> {
  meanwhile = [];
  try {
    const overview = await get<Overview>("/overview");
    const newer = meanwhile.filter((tick) => tick.now > overview.instance.now);
    takeOverview(overview);
    newer.forEach(takeTick);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    link.set({ ...link.value, state: "lost", error: error.detail });
  }
}

let source: EventSource | null = null;
// When we began to listen: who is asked anew too soon never comes to answer.
let askedMs = 0;

/** Listen again from the beginning: the overview, then what changes it. */
function listen(): void {
  source?.close();
  source = new EventSource("/api/v1/stream");
  askedMs = performance.now();
  // With the id of what we heard last the daemon tells what we missed; without one nobody does.
  let lastId = "";
  source.addEventListener("open", () => {
    const back = link.value.state === "lost";
    link.set({ ...link.value, state: "live", heardMs: performance.now() });
    if (back && !lastId) void load();
  });
  source.addEventListener("tick", (event: MessageEvent<string>) => {
    lastId = event.lastEventId;
    takeTick(JSON.parse(event.data) as Tick);
  });
  source.addEventListener("resync", (event: MessageEvent<string>) => {
    lastId = event.lastEventId;
    // What is on its way now may be from before.
    void (loading ?? Promise.resolve()).then(load);
  });
  // The browser comes back by itself, with Last-Event-ID, unless the daemon refused it.
  source.addEventListener("error", () => link.set({ ...link.value, state: "lost" }));
  void load();
}

let hiddenSinceMs: number | null = null;

/** A page out of sight soon asks now and then instead: browsers hold six streams to one address. */
function watchOver(): void {
  const nowMs = performance.now();
  const silentMs = nowMs - (link.value.heardMs ?? 0);
  const resting = hiddenSinceMs !== null && nowMs - hiddenSinceMs > REST_MS;
  if (resting) {
    source?.close();
    source = null;
    if (silentMs > RESTING_EVERY_MS) void load();
    return;
  }
  // A daemon that stands still takes connections and says nothing: no error tells of it.
  const silent = silentMs > SILENCE_MS;
  if (silent && link.value.state !== "lost") link.set({ ...link.value, state: "lost" });
  if (!source || source.readyState === EventSource.CLOSED || (silent && nowMs - askedMs > SILENCE_MS)) listen();
  else if (order.value === null) void load();
}

function seen(): void {
  hiddenSinceMs = document.hidden ? performance.now() : null;
  if (!document.hidden) watchOver();
}

const young = (): boolean => serverNow() - (instance.value?.started_at ?? 0) < YOUNG_S;

/** Start listening, once per page. */
export function startLive(): void {
  document.addEventListener("visibilitychange", seen);
  seen();
  setInterval(watchOver, RETRY_MS);
  setInterval(() => void (document.hidden || seconds.forEach((tell) => tell())), 1000);
  setInterval(() => void (document.hidden || load()), PAST_EVERY_MS);
  setInterval(() => void (document.hidden || !young() || load()), YOUNG_EVERY_MS);
}

const seconds = new Set<() => void>();

/** Call `tell` each second while the component is there. */
export function useSecond(tell: () => void): void {
  useEffect(() => {
    seconds.add(tell);
    return () => void seconds.delete(tell);
  });
}
