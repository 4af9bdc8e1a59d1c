// Long lists, page by page: what follows is asked for when somebody wants it.
import { useEffect, useRef, useState } from "preact/hooks";
import { ApiError, get, type Page, type Params, paramText } from "../api.ts";

export interface Paged<T> {
  /** Undefined until the first page is there. */
  items: T[] | undefined;
  error: ApiError | undefined;
  loading: boolean;
  /** Asks for what follows, or again for what was refused; undefined: that was all. */
  more: (() => void) | undefined;
}

interface State<T> {
  url: string;
  items: T[] | undefined;
  next: string | null;
  error: ApiError | undefined;
  loading: boolean;
}

/** Ask for the first page of a list; another path or word begins anew. It is asked for again every
 * `everyS` seconds, until somebody asks for what follows: what they read stays where it is. */
export function usePaged<T>(path: string, params: Params = {}, everyS = 0): Paged<T> {
  const url = path + paramText(params);
  const fresh: State<T> = { url, items: undefined, next: null, error: undefined, loading: true };
  const [state, setState] = useState<State<T>>(fresh);
  const leave = useRef(new AbortController());
  const shown = state.url === url ? state : fresh;

  const followed = useRef(false);

  const ask = async (before: T[], cursor: string | null, renews = false) => {
    const { signal } = leave.current;
    if (!renews) setState((old) => ({ ...(old.url === url ? old : fresh), loading: true, error: undefined }));
    try {
      const page = await get<Page<T>>(path, { ...params, cursor }, signal);
      if (renews && followed.current) return;
      setState({ url, items: [...before, ...page.items], next: page.next_cursor, error: undefined, loading: false });
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof ApiError)) throw error;
      setState((old) => ({ ...(old.url === url ? old : fresh), error, loading: false }));
    }
  };
  useEffect(() => {
    leave.current = new AbortController();
    followed.current = false;
    void ask([], null);
    const renew = () => void (document.hidden || followed.current || ask([], null, true));
    const timer = everyS > 0 ? setInterval(renew, everyS * 1000) : 0;
    return () => {
      clearInterval(timer);
      leave.current.abort();
    };
  }, [url, everyS]);

  const follows = shown.next !== null || shown.error !== undefined;
  const go = () => {
    followed.current = shown.next !== null;
    void ask(shown.items ?? [], shown.next);
  };
  const more = follows && !shown.loading ? go : undefined;
  return { items: shown.items, error: shown.error, loading: shown.loading, more };
}

/** The button below a long list. */
export function More<T>({ list: { more, loading, items } }: { list: Paged<T> }) {
  if (!items || (!more && !loading)) return null;
  return (
    <button type="button" class="more" aria-disabled={loading} onClick={() => more?.()}>
      {loading ? "Loading …" : "Load more"}
    </button>
  );
}
