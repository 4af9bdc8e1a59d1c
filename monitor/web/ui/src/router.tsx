// Paths and query strings, by the browser's own history.
import type { AnchorHTMLAttributes } from "preact";
import { Topic, useTopic } from "./topic.ts";

/** The query string as plain words; a word that is empty is left out of the address. */
export type Query = Record<string, string>;

const address = new Topic(location.pathname + location.search);

function look(): void {
  address.set(location.pathname + location.search);
}
addEventListener("popstate", look);

/** Go to a path of this page. `replace` leaves no trace in the history. */
export function navigate(to: string, { replace = false } = {}): void {
  if (to === location.pathname + location.search) return;
  const leaves = new URL(to, location.href).pathname !== location.pathname;
  history[replace ? "replaceState" : "pushState"](null, "", to);
  look();
  if (leaves) scrollTo(0, 0);
}

export function usePath(): string {
  useTopic(address);
  return location.pathname;
}

/** Return the query's words, and a function that changes some of them in place. */
export function useQuery(): [Query, (change: Query) => void] {
  useTopic(address);
  return [Object.fromEntries(new URLSearchParams(location.search)), changeQuery];
}

function changeQuery(change: Query): void {
  const words = { ...Object.fromEntries(new URLSearchParams(location.search)), ...change };
  navigate(location.pathname + queryText(words), { replace: true });
}

/** Return `?a=b` for the words that are not empty; nothing when all are. */
export function queryText(words: Query): string {
  const text = new URLSearchParams(Object.entries(words).filter(([, word]) => word !== "")).toString();
  return text && `?${text}`;
}

export function targetPath(name: string): string {
  return `/targets/${encodeURIComponent(name)}`;
}

const TARGET = /^\/targets\/([^/]+)$/;

/** Return the name of the target whose page a path is; null for every other path. */
export function targetOf(path: string): string | null {
  const name = TARGET.exec(path)?.[1];
  try {
    return name === undefined ? null : decodeURIComponent(name);
  } catch {
    return null; // such as /targets/%zz
  }
}

type LinkProps = AnchorHTMLAttributes<HTMLAnchorElement> & { href: string };

/** A link inside the page; with a modifier key the browser does as it always does. */
export function Link({ href, children, ...rest }: LinkProps) {
  const go = (event: MouseEvent) => {
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(href);
  };
  return (
    <a href={href} onClick={go} {...rest}>
      {children}
    </a>
  );
}
