import { Modal, useMantineColorScheme } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useQuery } from "@tanstack/react-query";
import { useNavigate, useRouterState } from "@tanstack/react-router";
import { useMemo, useState, type KeyboardEvent } from "react";
import { searchQuery } from "@/features/search/queries";
import { day, isDay, monthEnd } from "@/shared/days";
import { money } from "@/shared/format";
import { Icon, type IconName } from "@/shared/ui/Icon";
import { useAsOf } from "./asOf";
import { CREATE, isAccount, writeNote } from "./create";
import css from "./palette.module.css";
import { PAGES } from "./Shell";

type Choice = { id: string; group: string; label: string; hint?: string; icon: IconName; run: () => void };

/** Finds accounts, pages and actions by typing. */
export function Palette({ close, openHelp }: { close: () => void; openHelp: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const [q] = useDebouncedValue(text.trim(), 60);
  const navigate = useNavigate();
  const { asOf, setAsOf } = useAsOf();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const found = useQuery(searchQuery(q));
  const path = useRouterState({ select: (s) => s.location.pathname });

  const choices = useMemo<Choice[]>(() => {
    const now = new Date().toISOString().slice(0, 10);
    const fixed: Choice[] = PAGES.map((p) => ({
      id: p.to,
      group: "Go to",
      label: p.label,
      hint: p.keys,
      icon: p.icon,
      run: () => void navigate({ to: p.to }),
    }));
    const actions: Choice[] = [
      {
        id: "theme",
        group: "Actions",
        label: colorScheme === "dark" ? "Light colours" : "Dark colours",
        hint: "t d",
        icon: colorScheme === "dark" ? "sun" : "moon",
        run: () => setColorScheme(colorScheme === "dark" ? "light" : "dark"),
      },
      {
        id: "month",
        group: "Actions",
        label: `As of the end of last month, ${day(monthEnd(now, 1))}`,
        icon: "calendar",
        run: () => setAsOf(monthEnd(now, 1)),
      },
      { id: "keys", group: "Actions", label: "Show the keys", hint: "?", icon: "keyboard", run: openHelp },
    ];
    if (asOf)
      actions.unshift({
        id: "live",
        group: "Actions",
        label: "Back to live",
        icon: "clock",
        run: () => setAsOf(undefined),
      });
    const typed = text.trim();
    if (isDay(typed))
      actions.unshift({
        id: "asof",
        group: "Actions",
        label: `Show everything as of ${day(typed, "long")}`,
        icon: "calendar",
        run: () => setAsOf(typed),
      });
    const creates: Choice[] = CREATE.map((c) => ({
      id: `create:${c.label}`,
      group: "Create",
      label: c.label,
      icon: c.icon,
      run: () => void navigate({ to: c.to, search: c.search } as never),
    }));
    if (isAccount(path))
      creates.unshift({
        id: "create:note",
        group: "Create",
        label: "Note on this account",
        hint: "n",
        icon: "content",
        run: writeNote,
      });
    const words = typed.toLowerCase();
    const match = (c: Choice) => words === "" || c.id === "asof" || c.label.toLowerCase().includes(words);
    const accounts: Choice[] = (typed === "" ? [] : (found.data?.accounts ?? [])).map((a) => ({
      id: `account:${a.account_id}`,
      group: "Accounts",
      label: a.name,
      icon: "account",
      hint: [a.segment, money(a.mrr, a.currency)].filter(Boolean).join(" · "),
      run: () => void navigate({ to: "/accounts/$id", params: { id: a.account_id } }),
    }));
    const contacts: Choice[] = (typed === "" ? [] : (found.data?.contacts ?? [])).map((c) => ({
      id: `contact:${c.contact_id}`,
      group: "Contacts",
      label: c.name ?? c.email ?? c.contact_id,
      icon: "user",
      hint: c.account_name ?? c.email ?? undefined,
      run: () => void navigate({ to: "/contacts/$id", params: { id: c.contact_id } }),
    }));
    return [...accounts, ...contacts, ...fixed.filter(match), ...creates.filter(match), ...actions.filter(match)];
  }, [text, found.data, path, asOf, colorScheme, navigate, openHelp, setAsOf, setColorScheme]);

  const chosen = Math.min(at, choices.length - 1);
  const run = (c: Choice | undefined) => {
    if (!c) return;
    close();
    c.run();
  };
  const keys = (e: KeyboardEvent) => {
    if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      e.preventDefault();
      const step = e.key === "ArrowDown" ? 1 : -1;
      const next = (chosen + step + choices.length) % Math.max(1, choices.length);
      setAt(next);
      document.getElementById(`choice-${next}`)?.scrollIntoView({ block: "nearest" });
    } else if (e.key === "Enter") {
      e.preventDefault();
      run(choices[chosen]);
    }
  };

  return (
    <Modal
      opened
      onClose={close}
      withCloseButton={false}
      padding={0}
      size={560}
      yOffset="12vh"
      aria-label="Find an account, a contact, a page or an action"
    >
      <div className={css.head}>
        <Icon name="search" />
        <input
          data-autofocus
          type="text"
          role="combobox"
          aria-expanded="true"
          aria-controls="choices"
          aria-autocomplete="list"
          aria-activedescendant={choices.length ? `choice-${chosen}` : undefined}
          aria-label="Account, page, action or day"
          placeholder="Account, contact, page, action, or a day such as 2026-06-30"
          value={text}
          onKeyDown={keys}
          onChange={(e) => {
            setText(e.currentTarget.value);
            setAt(0);
          }}
        />
      </div>
      <div role="listbox" id="choices" aria-label="Results" className={css.list}>
        {choices.map((c, i) => (
          <div key={c.id} role="presentation">
            {choices[i - 1]?.group !== c.group ? (
              <div className={css.group} role="presentation">
                {c.group}
              </div>
            ) : null}
            <div
              id={`choice-${i}`}
              role="option"
              tabIndex={-1}
              aria-selected={i === chosen}
              className={css.choice}
              onClick={() => run(c)}
              onKeyDown={keys}
              onPointerMove={() => setAt(i)}
            >
              <Icon name={c.icon} /> <span className="ellipsis">{c.label}</span>{" "}
              {c.hint ? <small>{c.hint}</small> : null}
            </div>
          </div>
        ))}
      </div>
      {choices.length === 0 ? (
        <p className={css.none} role="status">
          {found.isFetching ? "Searching…" : `Nothing is called “${text}”.`}
        </p>
      ) : null}
    </Modal>
  );
}
