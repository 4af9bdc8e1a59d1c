// How this page asks: what was shown stays until there is something newer.
import { useEffect, useRef, useState } from "preact/hooks";
import type { Answer } from "../api.ts";

/** The same answer, with the last data of an earlier question until this one's come. A new `turn`
 * asks again. */
export function useKept<T>(answer: Answer<T>, turn: number): Answer<T> {
  const kept = useRef<T | undefined>(undefined);
  if (answer.data !== undefined) kept.current = answer.data;
  const asked = useRef(turn);
  const { again } = answer;
  useEffect(() => {
    if (asked.current === turn) return;
    asked.current = turn;
    again();
  }, [turn, again]);
  return { ...answer, data: answer.data ?? kept.current };
}

/** A value that is let through at most once in `leastMs`, the newest in the end, and not while
 * nobody sees the page. */
export function usePaced(value: number, leastMs: number): number {
  const [shown, setShown] = useState(value);
  const changedMs = useRef(performance.now());
  useEffect(() => {
    if (value === shown) return;
    const pass = (): void => {
      if (document.hidden) return;
      changedMs.current = performance.now();
      setShown(value);
    };
    const wait = changedMs.current + leastMs - performance.now();
    const timer = setTimeout(pass, Math.max(0, wait));
    document.addEventListener("visibilitychange", pass);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", pass);
    };
  }, [value, shown, leastMs]);
  return shown;
}
