import { NativeSelect } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect } from "react";
import { createPortal } from "react-dom";
import type { DashboardPage } from "@/api/types";
import { day } from "@/shared/days";
import { Fresh } from "@/shared/ui/Fresh";
import { Icon } from "@/shared/ui/Icon";
import css from "./dashboards.module.css";
import { dashboardsQuery } from "./queries";
import { TileCard } from "./TileCard";

const TURNS = [
  { value: "on", label: "Stay on this page" },
  { value: "30", label: "Next page every 30 s" },
  { value: "60", label: "Next page every minute" },
  { value: "300", label: "Next page every 5 minutes" },
];

/** The page for a wall: nothing around it, larger, looking again each minute, awake, and left with Escape. */
export default function Wall({ page, turn, leave }: { page: DashboardPage; turn: string; leave: () => void }) {
  const navigate = useNavigate();
  const list = useQuery(dashboardsQuery).data?.dashboards;
  const seconds = Number(turn) || 0;

  useEffect(() => {
    const around = document.getElementById("root");
    around?.setAttribute("inert", "");
    const scroll = document.body.style.overflow;
    document.body.style.overflow = "hidden";
    return () => {
      around?.removeAttribute("inert");
      document.body.style.overflow = scroll;
    };
  }, []);

  useEffect(() => {
    const out = () => {
      if (document.fullscreenElement) void document.exitFullscreen().catch(() => undefined);
      leave();
    };
    const keys = (e: KeyboardEvent) => {
      if (e.key === "Escape") out();
    };
    // Escape in full screen is the browser's own and comes here as this.
    const changed = () => {
      if (!document.fullscreenElement) leave();
    };
    window.addEventListener("keydown", keys);
    document.addEventListener("fullscreenchange", changed);
    return () => {
      window.removeEventListener("keydown", keys);
      document.removeEventListener("fullscreenchange", changed);
    };
  }, [leave]);

  useEffect(() => {
    let lock: { release: () => Promise<void> } | null = null;
    let gone = false;
    const wake = () => {
      if (document.visibilityState !== "visible" || !("wakeLock" in navigator)) return;
      void navigator.wakeLock.request("screen").then(
        (held) => (gone ? void held.release() : (lock = held)),
        () => undefined,
      );
    };
    wake();
    document.addEventListener("visibilitychange", wake);
    return () => {
      gone = true;
      document.removeEventListener("visibilitychange", wake);
      void lock?.release().catch(() => undefined);
    };
  }, []);

  useEffect(() => {
    if (!seconds || !list || list.length < 2) return;
    const timer = setTimeout(() => {
      const at = list.findIndex((d) => d.id === page.id);
      const next = list[(at + 1) % list.length];
      // The next page opens with filters of its own.
      if (next)
        void navigate({ to: "/dashboards/$id", params: { id: next.id }, search: { wall: turn }, replace: true });
    }, seconds * 1000);
    return () => clearTimeout(timer);
  }, [seconds, list, page.id, navigate, turn]);

  return createPortal(
    <main className={css.wall} aria-label={page.title}>
      <div className={css.wallTop}>
        <h1>{page.title}</h1>
        <span className="dim">
          {page.program} · figures up to {day(page.as_of, "long")} · <Fresh at={page.computed_at} />
        </span>
        <span className={css.grow} />
        <NativeSelect
          size="xs"
          aria-label="Turn pages"
          value={TURNS.some((t) => t.value === turn) ? turn : "on"}
          data={TURNS}
          onChange={(e) => {
            const wall = e.currentTarget.value;
            void navigate({
              to: "/dashboards/$id",
              params: { id: page.id },
              search: (s) => ({ ...s, wall }),
              replace: true,
            });
          }}
        />
        <button
          type="button"
          className={css.leave}
          aria-label="Leave the full screen (Escape)"
          onClick={() => {
            if (document.fullscreenElement) void document.exitFullscreen().catch(() => undefined);
            leave();
          }}
        >
          <Icon name="close" size={16} />
        </button>
      </div>
      <div className={css.grid}>
        {page.tiles.map((t) => (
          <TileCard key={t.id} tile={t} page={page} open={() => undefined} plain />
        ))}
      </div>
    </main>,
    document.body,
  );
}
