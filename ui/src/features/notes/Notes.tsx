import { Button, Checkbox, Textarea } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { api, take } from "@/api/client";
import type { NoteDiffLine, Note } from "@/api/types";
import { sessionQuery } from "@/features/auth/queries";
import { ownerSettingsQuery } from "@/features/owners/queries";
import { bytes } from "@/shared/format";
import { Icon } from "@/shared/ui/Icon";
import { Ago } from "@/shared/ui/Fresh";
import { Panel } from "@/shared/ui/Panel";
import { Problem } from "@/shared/ui/State";
import { toast } from "@/shared/ui/Toasts";
import { Markdown } from "./NoteText";
import css from "./notes.module.css";
import { attach, changeNote, NoteConflict, restoreNote, takeBack } from "./queries";

/** What people wrote down about an account, and the place to write more. */
export function Notes({ account, notes, past }: { account: string; notes: Note[]; past: boolean }) {
  return (
    <Panel title="Notes">
      <div className={css.notes}>
        {past ? null : <NewNote account={account} />}
        {notes.length === 0 ? <span className="dim">{past ? "No note had been written." : "No note yet."}</span> : null}
        <div>
          {notes.map((n) => (
            <One key={n.id} note={n} past={past} />
          ))}
        </div>
      </div>
    </Panel>
  );
}

function useChanged() {
  const queries = useQueryClient();
  return () => queries.invalidateQueries({ queryKey: ["accounts"] });
}

/** Writes a note. What is typed stays until it is stored; sending it again after a lost answer adds it once. */
function NewNote({ account }: { account: string }) {
  const [text, setText] = useState("");
  const [files, setFiles] = useState<File[]>([]);
  const [id, setId] = useState(() => crypto.randomUUID());
  const changed = useChanged();
  const add = useMutation({
    mutationFn: async () => {
      const note = await take(
        api.POST("/api/v1/accounts/{id}/notes", {
          params: { path: { id: account } },
          body: { id, body: text, pinned: false },
        }),
      );
      for (const file of files) await attach(note.id, file);
      return note;
    },
    onSuccess: async () => {
      setText("");
      setFiles([]);
      setId(crypto.randomUUID());
      await changed();
    },
  });
  return (
    <form
      className={css.editor}
      onSubmit={(e) => {
        e.preventDefault();
        add.mutate();
      }}
    >
      <Editor label="New note" text={text} change={setText} />
      <Files files={files} change={setFiles} />
      <div className={css.buttons}>
        <Button type="submit" size="xs" loading={add.isPending} disabled={text.trim() === ""}>
          Add the note
        </Button>
      </div>
      {add.error ? <Problem inline error={add.error} /> : null}
    </form>
  );
}

function Files({ files, change }: { files: File[]; change: (files: File[]) => void }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <div className={css.buttons}>
      <input
        ref={input}
        type="file"
        multiple
        aria-label="Files to attach"
        className="sr"
        tabIndex={-1}
        onChange={(e) => change([...files, ...(e.currentTarget.files ?? [])])}
      />
      <Button size="xs" variant="default" onClick={() => input.current?.click()}>
        Attach files
      </Button>
      {files.map((f, at) => (
        <Button
          key={`${f.name}${at}`}
          size="compact-xs"
          variant="subtle"
          aria-label={`Leave out ${f.name}`}
          onClick={() => change(files.filter((_, i) => i !== at))}
        >
          {f.name} ({bytes(f.size)}) ×
        </Button>
      ))}
      <span className="dim small">At most 10 MiB each.</span>
    </div>
  );
}

/** The text with people to mention: typing @ offers them. */
function Editor({ label, text, change }: { label: string; text: string; change: (text: string) => void }) {
  const known = useQuery(ownerSettingsQuery).data?.known ?? [];
  const begun = /(?:^|\s)@([^\s@]*)$/.exec(text)?.[1]?.toLowerCase();
  const offered =
    begun === undefined
      ? []
      : known
          .filter((k) => k.kind === "user" && (k.owner.includes(begun) || k.name.toLowerCase().includes(begun)))
          .slice(0, 6);
  return (
    <>
      <Textarea
        data-new-note
        label={label}
        description="Markdown: **bold**, *italic*, lists, links. Type @ to mention somebody; they are told."
        autosize
        minRows={2}
        maxRows={16}
        maxLength={20_000}
        value={text}
        onChange={(e) => change(e.currentTarget.value)}
      />
      {offered.length > 0 ? (
        <div className={css.suggest} role="group" aria-label="People to mention">
          {offered.map((k) => (
            <Button
              key={k.owner}
              size="compact-xs"
              variant="default"
              onClick={() => change(`${text.slice(0, text.length - (begun ?? "").length)}${k.owner} `)}
            >
              {k.name}
            </Button>
          ))}
        </div>
      ) : null}
    </>
  );
}

function One({ note: n, past }: { note: Note; past: boolean }) {
  const [editing, setEditing] = useState(false);
  const session = useQuery(sessionQuery).data?.user;
  const changed = useChanged();
  const remove = useMutation({
    mutationFn: () => take(api.DELETE("/api/v1/notes/{id}", { params: { path: { id: n.id } } })),
    onSuccess: async () => {
      await changed();
      toast("The note is removed.", async () => {
        await restoreNote(n.id);
        await changed();
      });
    },
  });
  const mine =
    n.author.actor === `user:${session?.id ?? ""}` || session?.role === "admin" || session?.role === "manager";
  return (
    <article className={css.note} aria-label={`Note of ${n.author.name}`}>
      <div className={css.head}>
        <strong>{n.author.name}</strong>
        <span className="dim small">
          <Ago at={n.created_at} />
          {n.version > 1 ? (
            <>
              , changed by {n.updated_by.name} <Ago at={n.updated_at} />
            </>
          ) : null}
          {n.pinned ? " · pinned" : ""}
        </span>
        <span className={css.grow} />
        {past || editing ? null : (
          <>
            <Button size="compact-xs" variant="subtle" onClick={() => setEditing(true)}>
              Edit
            </Button>
            {mine ? (
              <Button size="compact-xs" variant="subtle" loading={remove.isPending} onClick={() => remove.mutate()}>
                Remove
              </Button>
            ) : null}
          </>
        )}
      </div>
      {editing ? <Edit note={n} close={() => setEditing(false)} /> : <Markdown text={n.body} />}
      {n.attachments.length > 0 ? (
        <ul className={css.files} aria-label="Files">
          {n.attachments.map((a) => (
            <li key={a.id}>
              <a href={`/api/v1/attachments/${encodeURIComponent(a.id)}`} download={a.name}>
                <Icon name="content" size={13} /> {a.name}
              </a>{" "}
              <span className="dim small">{bytes(a.bytes)}</span>
            </li>
          ))}
        </ul>
      ) : null}
      {remove.error ? <Problem inline error={remove.error} /> : null}
    </article>
  );
}

function Edit({ note, close }: { note: Note; close: () => void }) {
  const [text, setText] = useState(note.body);
  const [pinned, setPinned] = useState(note.pinned);
  const [version, setVersion] = useState(note.version);
  const changed = useChanged();
  const save = useMutation({
    mutationFn: () => changeNote(note.id, { version, body: text, pinned, contact_id: note.contact_id }),
    onSuccess: async (saved) => {
      await changed();
      close();
      toast("The change is saved.", async () => {
        await takeBack(saved.id, version, saved.version);
        await changed();
      });
    },
  });
  const conflict = save.error instanceof NoteConflict ? save.error : null;
  return (
    <form
      className={css.editor}
      onSubmit={(e) => {
        e.preventDefault();
        save.mutate();
      }}
    >
      <Editor label="Change the note" text={text} change={setText} />
      <Checkbox
        size="sm"
        label="Pinned above the others"
        checked={pinned}
        onChange={(e) => setPinned(e.currentTarget.checked)}
      />
      {conflict ? (
        <div role="alert">
          <p>
            <strong>{conflict.current.updated_by.name} changed this note while you were writing.</strong> Nothing was
            overwritten; yours is still above.
          </p>
          <Difference lines={conflict.difference} />
          <div className={css.buttons}>
            <Button
              size="xs"
              variant="default"
              onClick={() => {
                setText(conflict.current.body);
                setVersion(conflict.current.version);
                save.reset();
              }}
            >
              Take theirs
            </Button>
            <Button
              size="xs"
              variant="default"
              onClick={() => {
                setVersion(conflict.current.version);
                save.reset();
              }}
            >
              Keep mine, to be saved over it
            </Button>
          </div>
        </div>
      ) : save.error ? (
        <Problem inline error={save.error} />
      ) : null}
      <div className={css.buttons}>
        <Button type="submit" size="xs" loading={save.isPending} disabled={text.trim() === "" || conflict !== null}>
          Save
        </Button>
        <Button size="xs" variant="subtle" onClick={close}>
          Cancel
        </Button>
      </div>
    </form>
  );
}

/** Two texts line by line: what only they have, what only you have. */
function Difference({ lines }: { lines: NoteDiffLine[] }) {
  return (
    <pre className={css.diff} aria-label="The difference">
      {lines.map((l, i) =>
        l.side === "same" ? (
          <span key={i}>{`  ${l.text}\n`}</span>
        ) : l.side === "theirs" ? (
          <del key={i}>{`theirs  ${l.text}`}</del>
        ) : (
          <ins key={i}>{`yours   ${l.text}`}</ins>
        ),
      )}
    </pre>
  );
}
