// The API, as fetch sees it. What it answers is typed in api-types.ts, which the build makes.
import { useCallback, useEffect, useState } from "preact/hooks";

export type * from "./api-types.ts";

/** One page of a long list; ask with `cursor` for what follows, null: that was all. */
export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export type Params = Record<string, string | number | boolean | null | undefined>;

/** Why a request was not answered. `status` 0: nobody was reached. */
export class ApiError extends Error {
  readonly status: number;
  readonly title: string;

  constructor(status: number, title: string, detail: string) {
    super(detail);
    this.name = "ApiError";
    this.status = status;
    this.title = title;
  }

  get detail(): string {
    return this.message;
  }
}

const ROOT = "/api/v1";
// Longer than any answer takes; a daemon that stands still should be seen as such.
const DEADLINE_MS = 15_000;

export async function get<T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<T> {
  return (await send("GET", path + paramText(params), undefined, signal)) as T;
}

export async function post<T>(path: string, body: object): Promise<T> {
  return (await send("POST", path, body)) as T;
}

export async function del(path: string): Promise<void> {
  await send("DELETE", path, {});
}

/** Return `?a=1&b=x`, without what is null, undefined or empty. */
export function paramText(params: Params): string {
  const pairs = Object.entries(params)
    .filter(([, value]) => value !== null && value !== undefined && value !== "")
    .map(([name, value]): [string, string] => [name, String(value)]);
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
}

async function send(method: string, path: string, body?: object, signal?: AbortSignal): Promise<unknown> {
  const deadline = AbortSignal.timeout(DEADLINE_MS);
  const answer = await reach(ROOT + path, {
    method,
    headers: body ? { "Content-Type": "application/json", "X-Sonde-Write": "1" } : {},
    body: method === "POST" ? JSON.stringify(body) : null,
    signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
  });
  if (!answer.ok) throw await problem(answer);
  return answer.status === 204 ? undefined : await whole(answer);
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (isLeft(error)) throw error;
    throw new ApiError(0, "not reached", "The daemon does not answer.");
  }
}

/** An answer that begins may still break off: a daemon that is killed, a line that goes away. */
async function whole(answer: Response): Promise<unknown> {
  try {
    return await answer.json();
  } catch (error) {
    if (isLeft(error)) throw error;
    throw new ApiError(0, "cut off", "The daemon's answer broke off.");
  }
}

/** Whoever asked does not want it any more: that is no fault. */
function isLeft(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

async function problem(answer: Response): Promise<ApiError> {
  const said: unknown = await answer.json().catch(() => null);
  const { title, detail } = (said ?? {}) as { title?: unknown; detail?: unknown };
  const word = typeof title === "string" ? title : answer.statusText || "refused";
  return new ApiError(answer.status, word, typeof detail === "string" ? detail : `${answer.status} ${word}`);
}

export interface Answer<T> {
  /** Undefined until the first answer; kept while a newer one is asked for. */
  data: T | undefined;
  error: ApiError | undefined;
  loading: boolean;
  again: () => void;
}

/** Ask once per path and words (null: not at all), and every `everyS` seconds while it is shown. */
export function useGet<T>(path: string | null, params: Params = {}, everyS = 0): Answer<T> {
  const url = path === null ? null : path + paramText(params);
  const [state, setState] = useState<{ url: string | null; data?: T; error?: ApiError }>({ url: null });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (url === null) return;
    const leave = new AbortController();
    const ask = async () => {
      try {
        setState({ url, data: await get<T>(url, {}, leave.signal) });
      } catch (error) {
        if (leave.signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        setState((before) => (before.url === url ? { ...before, error } : { url, error }));
      }
    };
    void ask();
    const timer = everyS > 0 ? setInterval(() => void (document.hidden || ask()), everyS * 1000) : 0;
    return () => {
      clearInterval(timer);
      leave.abort();
    };
  }, [url, turn, everyS]);
  const again = useCallback(() => setTurn((n) => n + 1), []);
  const current = state.url === url;
  return {
    data: current ? state.data : undefined,
    error: current ? state.error : undefined,
    loading: url !== null && !(current && (state.data !== undefined || state.error !== undefined)),
    again,
  };
}
