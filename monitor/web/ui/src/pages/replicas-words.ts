// What the figures of replicas mean, in words.

/** Below this a clock is as good as right. */
const RIGHT_S = 0.05;

/** Say how far a clock is ahead or behind. */
export function apart(aheadS: number): string {
  const far = Math.abs(aheadS);
  if (far < RIGHT_S) return "right";
  return `${far.toFixed(far < 10 ? 1 : 0)} s ${aheadS > 0 ? "ahead" : "behind"}`;
}
