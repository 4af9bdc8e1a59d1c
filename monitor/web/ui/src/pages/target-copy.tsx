// A button that copies a text, and says whether it did.
import { useState } from "preact/hooks";

export function Copy({ text, what }: { text: string; what: string }) {
  const [said, setSaid] = useState("");
  const copy = async (): Promise<void> => {
    try {
      // Browsers have no clipboard for pages that came over plain HTTP from elsewhere.
      await navigator.clipboard.writeText(text);
      setSaid("copied");
    } catch {
      setSaid("not allowed here: select it and copy it yourself");
    }
  };
  return (
    <>
      <button type="button" class="small" onClick={() => void copy()}>
        Copy<span class="unseen"> {what}</span>
      </button>{" "}
      <span role="status" class="faint">
        {said}
      </span>
    </>
  );
}
