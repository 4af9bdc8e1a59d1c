// The probes of a target: the first page is asked for again and again, what follows it once.
import { useEffect, useState } from "preact/hooks";
import { ApiError, get, useGet } from "../api.ts";
import type { Page, Params, ProbeRow } from "../api.ts";
import type { Paged } from "./paged.tsx";
import { useKept } from "./target-asking.ts";
import { type Known, joined } from "./target-joined.ts";

type Asking = "no" | "yes" | ApiError;

export interface Probes extends Paged<ProbeRow> {
  again: () => void;
}

/** The newest rows, and those that somebody asked for after them. Another list: another key. */
export function useProbes(path: string, params: Params, turn: number): Probes {
  const first = useKept<Page<ProbeRow>>(useGet(path, params), turn);
  const [known, setKnown] = useState<Known | null>(null);
  const [asking, setAsking] = useState<Asking>("no");
  useEffect(() => {
    const newest = first.data?.items;
    if (newest) setKnown((before) => before && joined(newest, before));
  }, [first.data]);
  const items = known?.rows ?? first.data?.items;
  const cursor = known ? known.cursor : (first.data?.next_cursor ?? null);
  const ask = async (): Promise<void> => {
    setAsking("yes");
    try {
      const page = await get<Page<ProbeRow>>(path, { ...params, cursor });
      setKnown({ rows: [...(items ?? []), ...page.items], cursor: page.next_cursor });
      setAsking("no");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setAsking(error);
    }
  };
  const loading = first.loading || asking === "yes";
  return {
    items,
    error: first.error ?? (asking instanceof ApiError ? asking : undefined),
    loading,
    more: cursor !== null && !loading ? () => void ask() : undefined,
    again: first.error ? first.again : () => void ask(),
  };
}
