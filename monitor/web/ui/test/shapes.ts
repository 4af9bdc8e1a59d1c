// Values of the API for tests, with as much in them as a test says.
import type { Figures, Last, Spark, Strip, TargetNow } from "../src/api.ts";

const FIGURES: Figures = {
  window: "15m", window_s: 900, samples: 0, missed: 0, p50_s: null, p95_s: null, p99_s: null,
  first_token_p50_s: null, first_token_p95_s: null, inter_token_p50_s: null, tokens_per_s_p50: null,
  error_rate: null, by_fault: {}, by_verdict: {}, coverage: null, cost_usd: null,
};

export function target(change: Partial<TargetNow> = {}): TargetNow {
  return {
    name: "a", provider: "p", model: "m", operation: "chat", stream: true, interval_s: 60, labels: {},
    rank: 0, level: "ok", last: null, figures: FIGURES, paused: "", failing_at: [], ...change,
  };
}

export function last(verdict: string): Last {
  return { at: 0, verdict, fault: "none", detail: "", hint: "", total_s: 1, first_token_s: null, status: null };
}

export function strip(n: number[], change: Partial<Strip> = {}): Strip {
  const none = n.map(() => 0);
  return { since: 0, step_s: 3600, n, provider: none, other: none, missed: none, ...change };
}

export function spark(p50_s: (number | null)[]): Spark {
  const none = p50_s.map(() => null);
  return { since: 0, step_s: 3600, p50_s, p95_s: none, first_token_p50_s: none };
}
