import { useMantineColorScheme } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useNavigate, useRouterState } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import type { Session } from "@/api/types";
import { nowQuery } from "@/features/inbox/queries";
import { Icon, Mark, type IconName } from "@/shared/ui/Icon";
import { Toasts } from "@/shared/ui/Toasts";
import { AsOfPicker, AsOfBanner } from "./AsOfPicker";
import { isAccount, writeNote } from "./create";
import { Computing } from "./Computing";
import { Help } from "./Help";
import { Palette } from "./Palette";
import type { Shortcut } from "./shortcuts";
import css from "./shell.module.css";
import { UserMenu } from "./UserMenu";
import { useShortcuts } from "./useShortcuts";
import { useTableKeys } from "./useTableKeys";

export const PAGES: {
  to:
    | "/"
    | "/accounts"
    | "/segments"
    | "/definitions"
    | "/dashboards"
    | "/targets"
    | "/data"
    | "/settings"
    | "/contacts"
    | "/owners"
    | "/inbox"
    | "/revenue"
    | "/health"
    | "/risk";
  label: string;
  icon: IconName;
  keys: string;
}[] = [
  { to: "/", label: "Overview", icon: "overview", keys: "g o" },
  { to: "/accounts", label: "Accounts", icon: "accounts", keys: "g a" },
  { to: "/health", label: "Health", icon: "advocacy", keys: "g h" },
  { to: "/contacts", label: "Contacts", icon: "user", keys: "g c" },
  { to: "/owners", label: "Owners", icon: "meeting", keys: "g w" },
  { to: "/inbox", label: "Inbox", icon: "mail", keys: "g i" },
  { to: "/segments", label: "Segments", icon: "segments", keys: "g s" },
  { to: "/dashboards", label: "Dashboards", icon: "dashboards", keys: "g b" },
  { to: "/targets", label: "Targets", icon: "targets", keys: "g t" },
  { to: "/definitions", label: "Definitions", icon: "content", keys: "g f" },
  { to: "/revenue", label: "Revenue", icon: "revenue", keys: "g r" },
  { to: "/risk", label: "Risk", icon: "warning", keys: "g k" },
  { to: "/data", label: "Data", icon: "data", keys: "g d" },
  { to: "/settings", label: "Settings", icon: "settings", keys: "g e" },
];

/** How many sources are silent, beside the way to Data. */
function SilentSources() {
  const open = useQuery(nowQuery).data?.silent_sources ?? 0;
  if (open === 0) return null;
  return (
    <span className={css.alarm}>
      <span aria-hidden="true">{open}</span>
      <span className="sr">, {open === 1 ? "1 source is silent" : `${open} sources are silent`}</span>
    </span>
  );
}

/** How much is unread, beside the way to the inbox. */
function Unread() {
  const unread = useQuery(nowQuery).data?.unread ?? 0;
  if (unread === 0) return null;
  return (
    <span className={css.alarm}>
      <span aria-hidden="true">{unread > 99 ? "99+" : unread}</span>
      <span className="sr">, {unread} unread</span>
    </span>
  );
}

/** Puts the cursor into the page's search field, or into the palette where a page has none. */
function focusSearch(otherwise: () => void): void {
  const field = document.querySelector<HTMLInputElement>("main input[type=search]");
  if (field) field.focus();
  else otherwise();
}

/** Everything around a page: navigation, the as-of day, the palette and the keys. */
export function Shell({ session }: { session: Session }) {
  const navigate = useNavigate();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const [open, setOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (s) => s.location.pathname });

  // A new page is a new title, and a reader who navigates by keys starts at its top.
  const seen = useRef(path);
  useEffect(() => {
    const page = PAGES.find((p) => (p.to === "/" ? path === "/" : path.startsWith(p.to)));
    document.title = page ? `${page.label} · Tenure` : "Tenure";
    if (seen.current !== path) main.current?.focus({ preventScroll: true });
    seen.current = path;
  }, [path]);

  useEffect(() => {
    const listen = (e: KeyboardEvent) => {
      if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k") {
        e.preventDefault();
        setPalette((was) => !was);
      }
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);

  const shortcuts = useMemo<Shortcut[]>(
    () => [
      ...PAGES.map((p) => ({ keys: p.keys, label: `Go to ${p.label}`, run: () => void navigate({ to: p.to }) })),
      { keys: "/", label: "Search on this page", run: () => focusSearch(() => setPalette(true)) },
      ...(isAccount(path) ? [{ keys: "n", label: "Write a note on this account", run: writeNote }] : []),
      { keys: "g m", label: "Go to Mentions", run: () => void navigate({ to: "/mentions" }) },
      { keys: "?", label: "Show these keys", run: () => setHelp(true) },
      { keys: "t d", label: "Dark or light", run: () => setColorScheme(colorScheme === "dark" ? "light" : "dark") },
    ],
    [navigate, path, colorScheme, setColorScheme],
  );
  useShortcuts(shortcuts);
  useTableKeys(main);

  return (
    <div className={css.shell}>
      <a className={css.skip} href="#main">
        Skip to the content
      </a>
      <header className={css.top}>
        <button
          type="button"
          className={css.burger}
          aria-expanded={open}
          aria-controls="nav"
          onClick={() => setOpen(!open)}
        >
          <Icon name={open ? "close" : "menu"} size={20} />
          <span className="sr">{open ? "Close the navigation" : "Open the navigation"}</span>
        </button>
        <Link to="/" className={css.logo} aria-label="Tenure, to the Overview">
          <Mark /> <span>Tenure</span>
        </Link>
        <button
          type="button"
          className={css.find}
          aria-label="Find an account or a page"
          onClick={() => setPalette(true)}
        >
          <Icon name="search" /> <span>Find an account, a contact or a page</span> <kbd>Ctrl K</kbd>
        </button>
        <div className={css.grow} />
        <AsOfPicker />
        <Link to="/inbox" className={css.bell} aria-label="To the inbox">
          <Icon name="mail" size={18} />
          <Unread />
        </Link>
        <UserMenu session={session} openHelp={() => setHelp(true)} />
      </header>
      <nav id="nav" className={`${css.nav} ${open ? css.navOpen : ""}`} aria-label="Main">
        {PAGES.map((p) => (
          <Link
            key={p.to}
            to={p.to}
            className={css.item}
            activeProps={{ className: css.active, "aria-current": "page" }}
            activeOptions={{ exact: p.to === "/", includeSearch: false }}
            onClick={() => setOpen(false)}
          >
            <Icon name={p.icon} size={18} /> {p.label}
            {p.to === "/data" ? <SilentSources /> : null}
            {p.to === "/inbox" ? <Unread /> : null}
          </Link>
        ))}
        <div className={css.grow} />
        <button type="button" className={css.item} onClick={() => setHelp(true)}>
          <Icon name="keyboard" size={18} /> Keys <kbd>?</kbd>
        </button>
      </nav>
      <main id="main" ref={main} tabIndex={-1} className={css.main}>
        <Computing />
        <AsOfBanner />
        <Outlet />
      </main>
      {palette ? <Palette close={() => setPalette(false)} openHelp={() => setHelp(true)} /> : null}
      <Toasts />
      <Help opened={help} close={() => setHelp(false)} shortcuts={shortcuts} />
    </div>
  );
}
