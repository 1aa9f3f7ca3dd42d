/** The product's own small set of stroked icons; decorative, so hidden from assistive technology. */
const PATHS = {
  overview: "M3 12a9 9 0 1 1 18 0M12 12l4-5M5 19h14",
  accounts: "M4 20V8l8-4 8 4v12M9 20v-6h6v6M9 10h.01M15 10h.01",
  segments: "M12 3v9l7.8 4.5A9 9 0 1 1 12 3zM15.5 3.7A9 9 0 0 1 20.9 11H15.5z",
  dashboards: "M4 4h7v9H4zM13 4h7v5h-7zM13 11h7v9h-7zM4 15h7v5H4z",
  table: "M4 5h16v14H4zM4 10h16M4 14.500h16M10 5v14",
  expand: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  download: "M12 4v11M7 11l5 5 5-5M4 20h16",
  targets: "M12 3a9 9 0 1 0 9 9M12 8a4 4 0 1 0 4 4M12 12l8-8M16.5 4v3.5H20",
  data: "M4 6c0-1.7 3.6-3 8-3s8 1.3 8 3-3.6 3-8 3-8-1.3-8-3zM4 6v12c0 1.7 3.6 3 8 3s8-1.3 8-3V6M4 12c0 1.7 3.6 3 8 3s8-1.3 8-3",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
  system: "M3 5h18v11H3zM9 20h6M12 16v4",
  calendar: "M4 6h16v14H4zM4 10h16M8 3v4M16 3v4",
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6L6 18",
  check: "M5 12.5l4.5 4.5L19 7.5",
  double: "M2.5 12.5L7 17l8.5-9.5M11 16l1 1 9.5-9.5",
  trend: "M4 16l5-5 4 4 7-8M20 12V7h-5",
  warning: "M12 4L2.8 20h18.4zM12 10v4.5M12 17.4h.01",
  down: "M4 8l5 5 4-4 7 8M20 12v5h-5",
  dash: "M6 12h12",
  arrowUp: "M12 19V5M6 11l6-6 6 6",
  arrowDown: "M12 5v14M6 13l6 6 6-6",
  chevronDown: "M6 9l6 6 6-6",
  chevronRight: "M9 6l6 6-6 6",
  columns: "M4 5h16v14H4zM9.5 5v14M14.5 5v14",
  filter: "M4 5h16l-6 7.5V19l-4 1.5v-8z",
  refresh: "M20 11a8 8 0 0 0-14.5-3.5L4 9M4 4v5h5M4 13a8 8 0 0 0 14.5 3.5L20 15M20 20v-5h-5",
  flag: "M5 21V4M5 4h11l-2 4 2 4H5",
  conflict: "M8 4L4 8l4 4M4 8h12M16 12l4 4-4 4M20 16H8",
  key: "M14.5 4a5.5 5.5 0 1 0-4.3 9L9 14.2V17H6.500v3H4v-3.500l6-6M16 8h.01",
  user: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.500 20c.8-4 4-6 7.500-6s6.700 2 7.500 6",
  out: "M14 4H5v16h9M10 12h11M17.500 8.500L21 12l-3.500 3.500",
  open: "M10 5H5v14h14v-5M14 4h6v6M20 4l-9 9",
  keyboard: "M3 6h18v12H3zM7 10h.01M11 10h.01M15 10h.01M8 14h8",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3.500 2",
  mail: "M3 6h18v12H3zM3 7l9 6.500L21 7",
  meeting:
    "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM2.500 19c.5-3.500 2.700-5 5.500-5s5 1.500 5.500 5M16 6a3 3 0 0 1 0 6M17 14c2.500.3 4 1.900 4.500 5",
  support: "M4 5h16v11H10l-4 4v-4H4z",
  survey: "M12 4l2.400 5 5.600.7-4 3.900 1 5.400-5-2.700L7 19l1-5.400-4-3.900L9.600 9z",
  product: "M5 4l14 8-6 1.500L10 20z",
  revenue:
    "M12 3v18M16.500 7.500C16 6 14.200 5.200 12 5.200c-2.600 0-4.300 1.200-4.300 3.200 0 4.600 9 2.300 9 7 0 2-1.900 3.400-4.700 3.400-2.500 0-4.400-1-4.900-2.900",
  content: "M5 4h11l3 3v13H5zM9 10h6M9 14h6",
  onboarding: "M4 20V4M4 5h12l-2 4 2 4H4",
  work: "M4 8h16v12H4zM9 8V5h6v3M4 13h16",
  account: "M4 20V8l8-4 8 4v12M4 20h16",
  opportunity: "M4 20l6-6 4 3 6-9M20 13V8h-5",
  advocacy: "M12 20s-8-4.800-8-10.500A4.500 4.500 0 0 1 12 7a4.500 4.500 0 0 1 8 2.500C20 15.200 12 20 12 20z",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  play: "M7 5l12 7-12 7z",
  move: "M12 3v18M3 12h18M9 6l3-3 3 3M9 18l3 3 3-3M6 9l-3 3 3 3M18 9l3 3-3 3",
  resize: "M20 10v10H10M20 20L9 9",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  share:
    "M8 12l8-5M8 12l8 5M6 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM18 4a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM18 14a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
} as const;

export type IconName = keyof typeof PATHS;

/** Whether a text names one of the icons (event kinds do). */
export function isIcon(name: string): name is IconName {
  return name in PATHS;
}

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.8}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
      style={{ flexShrink: 0 }}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark: a loop that has not closed, around the account in its middle. */
export function Mark({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8" fill="#12404f" />
      <path d="M9 20.5a8.5 8.5 0 1 1 8.500 4" fill="none" stroke="#fff" strokeWidth="3" strokeLinecap="round" />
      <circle cx="16" cy="16" r="2.6" fill="#f2b84b" />
    </svg>
  );
}
