import { money, words } from "@/shared/format";

/** What an event says, in one sentence. Pure. */
export type Told = { sentence: string; quote: string | null };
type Event = { name: string; kind: string; properties: Record<string, unknown> };
type Props = Record<string, unknown>;

const text = (p: Props, key: string): string | null => {
  const v = p[key];
  if (typeof v === "string") return v === "" ? null : v;
  return typeof v === "number" || typeof v === "boolean" ? String(v) : null;
};
const amount = (p: Props, key: string): string | null => {
  const v = Number(p[key]);
  return p[key] === undefined || p[key] === null || Number.isNaN(v) ? null : money(v, text(p, "currency"));
};
/** Joins what is known and leaves out what is not. */
const say = (...parts: (string | null | false | undefined)[]): string => parts.filter(Boolean).join(" ");
const named = (p: Props, ...keys: string[]): string | null => {
  for (const k of keys) {
    const v = text(p, k);
    if (v) return `“${v}”`;
  }
  return null;
};
const asset = (p: Props): string =>
  say(text(p, "asset_type") && `the ${text(p, "asset_type")}`, named(p, "title", "asset_id")) || "content";
const ticket = (p: Props): string => say("Ticket", text(p, "ticket_id"));
const because = (p: Props): string | null => {
  const r = text(p, "reason");
  return r ? `because of ${words(r).toLowerCase()}` : null;
};
const mrr = (p: Props): string | null => {
  const from = amount(p, "from");
  const to = amount(p, "to") ?? amount(p, "mrr");
  if (from && to) return `from ${from} to ${to} a month`;
  return to ? `at ${to} a month` : null;
};
const survey = (p: Props): string => (text(p, "survey") ?? "a survey").toUpperCase().replace("A SURVEY", "a survey");
const mail = (verb: string) => (p: Props) => say(verb, named(p, "subject", "campaign", "title"));

function changes(p: Props): string {
  const c = p.changes;
  if (typeof c !== "object" || c === null) return "Account data changed";
  const list = Object.entries(c).map(([key, pair]) => {
    const [was, is] = Array.isArray(pair) ? pair : [null, pair];
    const show = (v: unknown) => (v === null || v === undefined || v === "" ? "nothing" : String(v));
    return `${words(key).toLowerCase()} from ${show(was)} to ${show(is)}`;
  });
  if (list.length === 0) return "Account data confirmed";
  return `Changed ${list.slice(0, 3).join(", ")}${list.length > 3 ? ` and ${list.length - 3} more` : ""}`;
}

const TELL: Record<string, (p: Props) => string> = {
  login: () => "Signed in",
  feature_used: (p) =>
    say("Used", text(p, "feature") ? `“${words(text(p, "feature") ?? "").toLowerCase()}”` : "a feature"),
  course_completed: (p) => say("Completed the course", named(p, "course", "title")),
  page_viewed: (p) => say("Viewed the page", named(p, "title", "path", "url")),
  content_viewed: (p) => say("Opened", asset(p), p.from_message === true && "from a message"),
  content_completed: (p) => say("Finished", asset(p)),
  webinar_watched: (p) => say("Watched a webinar", named(p, "title", "asset_id")),
  email_sent: mail("E-mail sent"),
  email_delivered: mail("E-mail delivered"),
  email_opened: (p) =>
    say("Opened the e-mail", named(p, "subject", "campaign"), p.machine === true && "(opened by a machine)"),
  email_clicked: mail("Clicked in the e-mail"),
  email_replied: mail("Replied to the e-mail"),
  email_bounced: mail("E-mail bounced"),
  email_complained: mail("Marked an e-mail as spam"),
  unsubscribed: (p) => say("Unsubscribed", text(p, "topic") && `from ${text(p, "topic")}`),
  in_app_shown: (p) => say("Was shown an in-app message", named(p, "title", "message")),
  in_app_clicked: (p) => say("Clicked an in-app message", named(p, "title", "message")),
  meeting_held: (p) => say("Meeting held", named(p, "subject", "title")),
  call_logged: (p) => say("Call logged", named(p, "subject", "title")),
  webinar_attended: (p) => say("Attended a webinar", named(p, "title", "asset_id")),
  qbr_held: () => "Business review held",
  event_attended: (p) => say("Attended an event", named(p, "title")),
  ticket_opened: (p) =>
    say(ticket(p), "opened", text(p, "priority") && `with priority ${text(p, "priority")}`) +
    (named(p, "subject") ? `: ${named(p, "subject")}` : ""),
  ticket_replied: (p) => say(ticket(p), "answered"),
  ticket_escalated: (p) => say(ticket(p), "escalated", because(p)),
  ticket_resolved: (p) => say(ticket(p), "resolved"),
  ticket_reopened: (p) => say(ticket(p), "opened again"),
  survey_sent: (p) => say("Asked for", survey(p), text(p, "interaction") && `after ${text(p, "interaction")}`),
  survey_answered: (p) =>
    say(
      "Answered",
      survey(p),
      text(p, "score") && `with ${text(p, "score")}`,
      text(p, "interaction") && `after ${text(p, "interaction")}`,
    ),
  survey_declined: (p) => say("Declined", survey(p)),
  onboarding_started: () => "Onboarding started",
  onboarding_step_completed: (p) => say("Onboarding step done", named(p, "step", "title")),
  onboarding_completed: () => "Onboarding completed",
  first_value: () => "Reached first value",
  subscription_started: (p) => say("Subscription", text(p, "subscription_id"), "started", mrr(p)),
  mrr_changed: (p) =>
    say("MRR changed", mrr(p), text(p, "reason") && `(${words(text(p, "reason") ?? "").toLowerCase()})`),
  renewed: (p) => say("Renewed", mrr(p)),
  churned: (p) => say("Churned", because(p)),
  churn_notice: (p) => say("Gave notice", because(p)),
  saved: () => "Notice taken back: saved",
  payment_failed: (p) => say("Payment failed", amount(p, "value") && `of ${amount(p, "value")}`),
  opportunity_opened: (p) =>
    say(
      words(text(p, "type") ?? "opportunity"),
      "opportunity opened",
      amount(p, "value") && `worth ${amount(p, "value")}`,
    ),
  opportunity_stage_changed: (p) => say("Opportunity moved to", text(p, "stage") ?? "another stage"),
  opportunity_won: (p) => say("Opportunity won", amount(p, "value") && `worth ${amount(p, "value")}`),
  opportunity_lost: (p) => say("Opportunity lost", because(p)),
  advocate_nominated: () => "Nominated as an advocate",
  advocate_agreed: () => "Agreed to be an advocate",
  reference_requested: () => "Asked for a reference",
  reference_given: () => "Gave a reference",
  testimonial_published: () => "Testimonial published",
  task_created: (p) => say("Task created", named(p, "title")),
  task_completed: (p) => say("Task done", named(p, "title")),
  task_skipped: (p) => say("Task skipped", named(p, "title")),
  playbook_entered: (p) => say("Entered the playbook", named(p, "playbook")),
  playbook_step_done: (p) => say("Playbook step done", named(p, "step")),
  playbook_exited: (p) => say("Left the playbook", named(p, "playbook")),
  sponsor_met: () => "Sponsor met",
  note_added: () => "Note written",
  note_changed: () => "Note changed",
  note_removed: () => "Note removed",
  note_restored: () => "Note brought back",
  contact_flag_changed: (p) =>
    say(p.held === true ? "Is now" : "Is no longer", words(text(p, "flag") ?? "somebody").toLowerCase()),
  consent_changed: (p) =>
    say(p.granted === true ? "Agreed to" : "Refused", text(p, "topic"), text(p, "source") && `(${text(p, "source")})`),
  account_updated: changes,
  segment_changed: (p) =>
    say(
      "Segment changed from",
      words(text(p, "from") ?? "none").toLowerCase(),
      "to",
      words(text(p, "to") ?? "none").toLowerCase(),
    ),
  owner_changed: (p) => say("Owner changed from", text(p, "from") ?? "nobody", "to", text(p, "to") ?? "nobody"),
};

/** Tells an event; one with an unknown name is told by that name. */
export function tell(event: Event): Told {
  const p = event.properties ?? {};
  const sentence = (TELL[event.name]?.(p) || words(event.name)).trim();
  return { sentence, quote: text(p, "comment") ?? (event.name === "segment_changed" ? text(p, "why") : null) };
}
