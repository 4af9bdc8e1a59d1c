// Why people were told of an alert, or not: line by line.
import { type StoryRow, useGet } from "../api.ts";
import { ErrorLine, Loading, When } from "../parts/index.ts";
import { serverNow } from "../live.ts";
import { useMemo } from "preact/hooks";

const WEEK_S = 604_800;
const EVERY_S = 10;

/** `since`: from when on; null: a week ago. */
export function StoryOf({ fingerprint, since }: { fingerprint: string; since: number | null }) {
  // To the minute and once: else each drawing would ask anew.
  const from = useMemo(() => Math.floor((since ?? serverNow() - WEEK_S) / 60 - 1) * 60, [since]);
  const { data, error, again } = useGet<StoryRow[]>("/alerts/explain", { word: fingerprint, since: from }, EVERY_S);
  if (error) return <ErrorLine error={error} again={again} />;
  if (!data) return <Loading rows={4} />;
  if (data.length === 0) return <p class="story">Nothing is known of it from then on: it did not fire, or that is too long ago.</p>;
  return <>{data.map((story) => <Story key={story.fingerprint} story={story} />)}</>;
}

function Story({ story }: { story: StoryRow }) {
  return (
    <section class="story" aria-label={`What became of ${story.name} of ${story.subject}`}>
      <h3>{story.name} of {story.subject}</h3>
      <ol>
        {story.lines.map((line, place) => (
          <li key={place}>
            <When at={line.at} /> <span>{line.text}</span>
          </li>
        ))}
        {(story.now.length ? story.now : ["over"]).map((text) => (
          <li key={text} class="story-now">
            <strong>now</strong> <span>{text}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
