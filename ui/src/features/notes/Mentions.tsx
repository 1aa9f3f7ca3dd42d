import { Button } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { api, take } from "@/api/client";
import { number } from "@/shared/format";
import { Ago } from "@/shared/ui/Fresh";
import { PageHead, Panel } from "@/shared/ui/Panel";
import { Empty, Loaded, Problem } from "@/shared/ui/State";
import { Markdown } from "./NoteText";
import css from "./notes.module.css";
import { mentionsQuery } from "./queries";

/** Where others mentioned the reader. */
export function Mentions() {
  const queries = useQueryClient();
  const mentions = useQuery(mentionsQuery);
  const seen = useMutation({
    mutationFn: (notes: string[]) => take(api.POST("/api/v1/mentions/seen", { body: { notes } })),
    onSuccess: (answer) => queries.setQueryData(mentionsQuery.queryKey, answer),
  });
  return (
    <>
      <PageHead title="Mentions" sub="Notes in which somebody named you.">
        {mentions.data && mentions.data.unseen > 0 ? (
          <Button
            variant="default"
            loading={seen.isPending}
            onClick={() => seen.mutate((mentions.data?.items ?? []).filter((m) => !m.seen_at).map((m) => m.note.id))}
          >
            Mark {number(mentions.data.unseen, 0)} as seen
          </Button>
        ) : null}
      </PageHead>
      {seen.error ? <Problem inline error={seen.error} /> : null}
      <Loaded of={mentions} lines={6}>
        {(data) =>
          data.items.length === 0 ? (
            <Empty title="Nobody has mentioned you yet">
              Who writes @ and your address in a note of an account makes it stand here.
            </Empty>
          ) : (
            <Panel title={data.unseen > 0 ? `${number(data.unseen, 0)} new` : "All seen"}>
              {data.items.map((m) => (
                <article key={m.note.id} className={`${css.note} ${m.seen_at ? "" : css.unseen}`}>
                  <div className={css.head}>
                    <Link to="/accounts/$id" params={{ id: m.note.account_id }}>
                      {m.account_name || m.note.account_id}
                    </Link>
                    <span className="dim small">
                      {m.note.author.name} <Ago at={m.at} />
                    </span>
                    <span className={css.grow} />
                    {m.seen_at ? null : (
                      <Button size="compact-xs" variant="subtle" onClick={() => seen.mutate([m.note.id])}>
                        Seen
                      </Button>
                    )}
                  </div>
                  <Markdown text={m.note.body} />
                </article>
              ))}
            </Panel>
          )
        }
      </Loaded>
    </>
  );
}
