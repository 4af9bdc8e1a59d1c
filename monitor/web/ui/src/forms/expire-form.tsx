// Ending a silence before its time, asked once more.
import { del, type SilenceRow } from "../api.ts";
import { useAlerts } from "../live.ts";
import { matched } from "./matchers.ts";
import { Form, useSubmit } from "./submit.tsx";

interface ExpireFormProps {
  silence: SilenceRow;
  close: () => void;
  done: () => void;
}

export function ExpireForm({ silence, close, done }: ExpireFormProps) {
  const sending = useSubmit(
    [],
    () => ({}),
    () => del(`/silences/${encodeURIComponent(silence.id)}`),
    () => {
      done();
      close();
    },
  );
  const means = matched(silence.matchers, useAlerts() ?? []).length;
  return (
    <Form sending={sending} act="End it now" close={close}>
      <p>
        <code>{silence.matchers.join(" ")}</code> of {silence.author}: {silence.comment}
      </p>
      <p>
        {means && silence.state === "active"
          ? `It matches ${means === 1 ? "1 current alert" : `${means} current alerts`}: people are told of what still fires then.`
          : "It keeps no alert quiet now."}
      </p>
    </Form>
  );
}
