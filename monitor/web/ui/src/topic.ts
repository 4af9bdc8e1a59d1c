// A value that can be watched: the smallest store that lets one row change alone.
import { useEffect, useState } from "preact/hooks";

export class Topic<T> {
  #value: T;
  readonly #watchers = new Set<(value: T) => void>();

  constructor(value: T) {
    this.#value = value;
  }

  get value(): T {
    return this.#value;
  }

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const watcher of [...this.#watchers]) watcher(value);
  }

  /** Call `watcher` with each new value; returns how to stop it. */
  watch(watcher: (value: T) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }
}

/** Return a topic's value, and draw the component again when it changes. */
export function useTopic<T>(topic: Topic<T>): T {
  const [, redraw] = useState<object>();
  useEffect(() => {
    const seen = topic.value;
    const stop = topic.watch(() => redraw({}));
    if (!Object.is(seen, topic.value)) redraw({});
    return stop;
  }, [topic]);
  return topic.value;
}
