import { Button, CopyButton } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { api, take } from "@/api/client";
import { Problem } from "@/shared/ui/State";
import css from "./setup.module.css";

const snippet = (
  key: string,
) => `curl -u ${key}: ${window.location.origin}/v1/batch -H 'content-type: application/json' -d '{
  "batch": [{
    "type": "track", "messageId": "first-1", "userId": "ann", "event": "login",
    "context": { "groupId": "acme" }
  }]
}'`;

/** Makes a key for sending events and shows the first call with it, ready to be copied. */
export function ConnectSource() {
  const make = useMutation({
    mutationFn: () =>
      take(api.POST("/api/v1/keys", { body: { name: `first source ${Date.now().toString(36)}`, scope: "ingest" } })),
  });
  if (!make.data)
    return (
      <>
        <Button size="xs" loading={make.isPending} onClick={() => make.mutate()}>
          Make a key
        </Button>
        {make.error ? <Problem inline error={make.error} /> : null}
      </>
    );
  const text = snippet(make.data.secret);
  return (
    <div className={css.connect}>
      <p>
        This is the only time that the key is shown. Put it into your Segment or RudderStack SDK as the write key with
        this server as its address, or try it at once:
      </p>
      <pre>{text}</pre>
      <div className={css.bar}>
        <CopyButton value={make.data.secret}>
          {({ copied, copy }) => (
            <Button size="xs" variant="default" onClick={copy}>
              {copied ? "Copied" : "Copy the key"}
            </Button>
          )}
        </CopyButton>
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <Button size="xs" variant="default" onClick={copy}>
              {copied ? "Copied" : "Copy the call"}
            </Button>
          )}
        </CopyButton>
      </div>
    </div>
  );
}
