// Times as people type them: their own clocks, which the page names beside the field.

/** Lengths offered for a silence, seconds. What is quiet for longer is said as an exact end. */
export const LENGTHS: readonly (readonly [number, string])[] = [
  [1_800, "30 min"],
  [3_600, "1 h"],
  [7_200, "2 h"],
  [14_400, "4 h"],
  [28_800, "8 h"],
  [86_400, "1 d"],
  [604_800, "7 d"],
];

/** Write a moment as `<input type="datetime-local">` holds it, to the minute. */
export function toField(at: number): string {
  const date = new Date(at * 1000);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** Read such a field; null: it holds no moment. What clocks skip counts as shown after the jump. */
export function fromField(text: string): number | null {
  if (!/^\d{4,6}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(text)) return null;
  const ms = new Date(text).getTime();
  return Number.isNaN(ms) ? null : ms / 1000;
}

/** Name the time zone of this browser's clocks at a moment: `Europe/Berlin, UTC+01:00`. */
export function zone(at: number): string {
  const east_min = -new Date(at * 1000).getTimezoneOffset();
  const minutes = Math.abs(east_min);
  const two = (value: number) => String(value).padStart(2, "0");
  const offset = `${east_min < 0 ? "−" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return name === "UTC" ? name : `${name}, UTC${offset}`;
}
