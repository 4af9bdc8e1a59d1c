// Who writes: remembered in this browser, so that it is typed once.

const KEY = "sonde.author";

export function readAuthor(): string {
  try {
    return localStorage.getItem(KEY) ?? "";
  } catch {
    return ""; // storage may be forbidden: then it is typed each time
  }
}

export function keepAuthor(author: string): void {
  try {
    localStorage.setItem(KEY, author);
  } catch {
    return; // it is typed again
  }
}
