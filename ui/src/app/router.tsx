import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  retainSearchParams,
} from "@tanstack/react-router";
import { isDay } from "@/shared/days";
import { Problem, Skeleton } from "@/shared/ui/State";
import { NotFound } from "./NotFound";
import { Root } from "./Root";

type Raw = Record<string, unknown>;
const text = (v: unknown): string | undefined =>
  typeof v === "string" && v !== "" ? v : typeof v === "number" ? String(v) : undefined;

/** Search parameter of every page: the day that its figures speak of. */
type Shared = { as_of?: string };

const root = createRootRoute({
  component: Root,
  validateSearch: (s: Raw): Shared => ({ as_of: isDay(s.as_of) ? s.as_of : undefined }),
  search: { middlewares: [retainSearchParams<Shared>(["as_of"])] },
  notFoundComponent: NotFound,
});

export type OverviewSearch = { kpi?: string; scope?: string; status?: string };
const overview = createRoute({
  getParentRoute: () => root,
  path: "/",
  validateSearch: (s: Raw): OverviewSearch => ({ kpi: text(s.kpi), scope: text(s.scope), status: text(s.status) }),
  component: lazyRouteComponent(() => import("@/features/kpis/Overview"), "Overview"),
});

export type AccountsSearch = {
  q?: string;
  segment?: string;
  owner?: string;
  active?: string;
  band?: string;
  filter?: string;
  sort?: string;
  columns?: string;
};
const accounts = createRoute({
  getParentRoute: () => root,
  path: "/accounts",
  validateSearch: (s: Raw): AccountsSearch => ({
    q: text(s.q),
    segment: text(s.segment),
    owner: text(s.owner),
    active: text(s.active),
    band: text(s.band),
    filter: text(s.filter),
    sort: text(s.sort),
    columns: text(s.columns),
  }),
  component: lazyRouteComponent(() => import("@/features/accounts/Accounts"), "Accounts"),
});

export type AccountSearch = { kind?: string; q?: string };
const account = createRoute({
  getParentRoute: () => root,
  path: "/accounts/$id",
  validateSearch: (s: Raw): AccountSearch => ({ kind: text(s.kind), q: text(s.q) }),
  component: lazyRouteComponent(() => import("@/features/accounts/Account"), "AccountPage"),
});

export type SegmentsSearch = { tab?: string };
const segments = createRoute({
  getParentRoute: () => root,
  path: "/segments",
  validateSearch: (s: Raw): SegmentsSearch => ({ tab: text(s.tab) }),
  component: lazyRouteComponent(() => import("@/features/segments/Segments"), "Segments"),
});

export type DashboardsSearch = { removed?: string };
const dashboards = createRoute({
  getParentRoute: () => root,
  path: "/dashboards",
  validateSearch: (s: Raw): DashboardsSearch => ({ removed: text(s.removed) }),
  component: lazyRouteComponent(() => import("@/features/dashboards/Dashboards"), "Dashboards"),
});

/**
 * Filters of the page, and the point whose accounts are open: its tile, its series and its place. `wall` shows it without anything around
 * it (`on`, or the seconds after which the next page comes), `edit` is set while it is being changed.
 */
export type DashboardSearch = {
  period?: string;
  compare?: string;
  segment?: string;
  owner?: string;
  tile?: string;
  series?: string;
  at?: string;
  wall?: string;
  edit?: string;
};
const dashboard = createRoute({
  getParentRoute: () => root,
  path: "/dashboards/$id",
  validateSearch: (s: Raw): DashboardSearch => ({
    period: text(s.period),
    compare: text(s.compare),
    segment: text(s.segment),
    owner: text(s.owner),
    tile: text(s.tile),
    series: text(s.series),
    at: text(s.at),
    wall: text(s.wall),
    edit: text(s.edit),
  }),
  component: lazyRouteComponent(() => import("@/features/dashboards/Dashboard"), "DashboardPage"),
});

export type DefinitionsSearch = { file?: string; entry?: string; view?: string; from?: number; to?: number };
const whole = (v: unknown): number | undefined =>
  Number.isInteger(Number(v)) && Number(v) > 0 ? Number(v) : undefined;
const definitions = createRoute({
  getParentRoute: () => root,
  path: "/definitions",
  validateSearch: (s: Raw): DefinitionsSearch => ({
    file: text(s.file),
    entry: text(s.entry),
    view: text(s.view),
    from: whole(s.from),
    to: whole(s.to),
  }),
  component: lazyRouteComponent(() => import("@/features/program/Definitions"), "Definitions"),
});

export type ContactsSearch = { q?: string; flag?: string; consent?: string };
const contacts = createRoute({
  getParentRoute: () => root,
  path: "/contacts",
  validateSearch: (s: Raw): ContactsSearch => ({ q: text(s.q), flag: text(s.flag), consent: text(s.consent) }),
  component: lazyRouteComponent(() => import("@/features/contacts/Contacts"), "Contacts"),
});
const contact = createRoute({
  getParentRoute: () => root,
  path: "/contacts/$id",
  component: lazyRouteComponent(() => import("@/features/contacts/Contact"), "ContactPage"),
});
const mentions = createRoute({
  getParentRoute: () => root,
  path: "/mentions",
  component: lazyRouteComponent(() => import("@/features/notes/Mentions"), "Mentions"),
});

export type InboxSearch = { show?: string };
const inbox = createRoute({
  getParentRoute: () => root,
  path: "/inbox",
  validateSearch: (s: Raw): InboxSearch => ({ show: text(s.show) }),
  component: lazyRouteComponent(() => import("@/features/inbox/Inbox"), "Inbox"),
});
const firstSteps = createRoute({
  getParentRoute: () => root,
  path: "/first-steps",
  component: lazyRouteComponent(() => import("@/features/setup/FirstSteps"), "FirstStepsPage"),
});

export type OwnersSearch = { tab?: string; view?: string; kpi?: string };
const owners = createRoute({
  getParentRoute: () => root,
  path: "/owners",
  validateSearch: (s: Raw): OwnersSearch => ({ tab: text(s.tab), view: text(s.view), kpi: text(s.kpi) }),
  component: lazyRouteComponent(() => import("@/features/owners/Owners"), "Owners"),
});
const owner = createRoute({
  getParentRoute: () => root,
  path: "/owners/$owner",
  component: lazyRouteComponent(() => import("@/features/owners/Owner"), "OwnerPage"),
});

export type TargetsSearch = { target?: string; status?: string; scope?: string; source?: string; q?: string };
const targets = createRoute({
  getParentRoute: () => root,
  path: "/targets",
  validateSearch: (s: Raw): TargetsSearch => ({
    target: text(s.target),
    status: text(s.status),
    scope: text(s.scope),
    source: text(s.source),
    q: text(s.q),
  }),
  component: lazyRouteComponent(() => import("@/features/kpis/Targets"), "Targets"),
});

export type TabSearch = { tab?: string };
export type DataSearch = TabSearch & {
  import?: string;
  upload?: string;
  file?: string;
  segment?: string;
  field?: string;
  event?: string;
  kind?: string;
  show?: string;
  one?: string;
  other?: string;
};

export type HealthSearch = {
  edit?: string;
  score?: string;
  segment?: string;
  owner?: string;
  band?: string;
  was?: string;
  state?: string;
  sort?: string;
};
const health = createRoute({
  getParentRoute: () => root,
  path: "/health",
  validateSearch: (s: Raw): HealthSearch => ({
    edit: text(s.edit),
    score: text(s.score),
    segment: text(s.segment),
    owner: text(s.owner),
    band: text(s.band),
    was: text(s.was),
    state: text(s.state),
    sort: text(s.sort),
  }),
  component: lazyRouteComponent(() => import("@/features/scores/Health"), "Health"),
});

export type RevenueSearch = {
  tab?: string;
  segment?: string;
  owner?: string;
  currency?: string;
  filter?: string;
  grain?: string;
  period?: string;
  by?: string;
  value?: string;
  step?: string;
  months?: string;
  month?: string;
  basis?: string;
  measure?: string;
  outcome?: string;
  account?: string;
};
export type AccuracySearch = { outcome?: string; compare?: string };
const accuracy = createRoute({
  getParentRoute: () => root,
  path: "/accuracy",
  validateSearch: (s: Raw): AccuracySearch => ({ outcome: text(s.outcome), compare: text(s.compare) }),
  component: lazyRouteComponent(() => import("@/features/models/Accuracy"), "Accuracy"),
});

export type RiskSearch = { outcome?: string; sort?: string; limit?: number };
const risk = createRoute({
  getParentRoute: () => root,
  path: "/risk",
  validateSearch: (s: Raw): RiskSearch => ({ outcome: text(s.outcome), sort: text(s.sort), limit: whole(s.limit) }),
  component: lazyRouteComponent(() => import("@/features/models/Risk"), "Risk"),
});

const revenue = createRoute({
  getParentRoute: () => root,
  path: "/revenue",
  validateSearch: (s: Raw): RevenueSearch => ({
    tab: text(s.tab),
    segment: text(s.segment),
    owner: text(s.owner),
    currency: text(s.currency),
    filter: text(s.filter),
    grain: text(s.grain),
    period: text(s.period),
    by: text(s.by),
    value: text(s.value),
    step: text(s.step),
    months: text(s.months),
    month: text(s.month),
    basis: text(s.basis),
    measure: text(s.measure),
    outcome: text(s.outcome),
    account: text(s.account),
  }),
  component: lazyRouteComponent(() => import("@/features/revenue/Revenue"), "Revenue"),
});

const data = createRoute({
  getParentRoute: () => root,
  path: "/data",
  validateSearch: (s: Raw): DataSearch => ({
    tab: text(s.tab),
    import: text(s.import),
    upload: text(s.upload),
    file: text(s.file),
    segment: text(s.segment),
    field: text(s.field),
    event: text(s.event),
    kind: text(s.kind),
    show: text(s.show),
    one: text(s.one),
    other: text(s.other),
  }),
  component: lazyRouteComponent(() => import("@/features/imports/Data"), "Data"),
});

const settings = createRoute({
  getParentRoute: () => root,
  path: "/settings",
  validateSearch: (s: Raw): TabSearch => ({ tab: text(s.tab) }),
  component: lazyRouteComponent(() => import("@/features/auth/Settings"), "Settings"),
});

export const router = createRouter({
  routeTree: root.addChildren([
    overview,
    accounts,
    account,
    segments,
    dashboards,
    dashboard,
    definitions,
    targets,
    health,
    revenue,
    accuracy,
    risk,
    data,
    settings,
    owners,
    owner,
    contacts,
    contact,
    mentions,
    inbox,
    firstSteps,
  ]),
  defaultPreload: "intent",
  scrollRestoration: true,
  defaultPendingComponent: () => <Skeleton lines={8} height={20} />,
  defaultErrorComponent: ({ error, reset }) => <Problem error={error} retry={reset} />,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
