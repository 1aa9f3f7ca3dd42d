/** Facts of the usual KPIs, so that a first one needs no SQL. */
export type Recipe = { id: string; label: string; fields: Record<string, unknown> };

const text = (value: string) => `'${value.replaceAll("'", "''")}'`;

/** What a new KPI can start from; `event` is the name that it looks at. */
export function recipes(event: string): Recipe[] {
  const name = text(event);
  return [
    {
      id: "share",
      label: "Share of active accounts with this event in the month",
      fields: {
        unit: "ratio",
        better: "up",
        window: "month",
        value: "ratio",
        proportion: true,
        facts: `WITH did AS (
  SELECT DISTINCT period, account_no FROM period_events WHERE name = ${name}
)
SELECT c.period, c.account_no, CASE WHEN d.account_no IS NULL THEN 0 ELSE 1 END AS numerator, 1 AS denominator
FROM cohort c
LEFT JOIN did d ON d.period = c.period AND d.account_no = c.account_no
WHERE c.active_any
`,
      },
    },
    {
      id: "count",
      label: "Number of these events in the month",
      fields: {
        unit: "number",
        better: "up",
        window: "month",
        value: "sum",
        facts: `SELECT period, account_no, count(*) AS numerator, 1 AS denominator
FROM period_events
WHERE name = ${name}
GROUP BY period, account_no
`,
      },
    },
    {
      id: "per_account",
      label: "These events per active account in the month",
      fields: {
        unit: "number",
        better: "up",
        window: "month",
        value: "ratio",
        facts: `WITH done AS (
  SELECT period, account_no, count(*) AS n FROM period_events WHERE name = ${name} GROUP BY period, account_no
)
SELECT c.period, c.account_no, coalesce(d.n, 0) AS numerator, 1 AS denominator
FROM cohort c
LEFT JOIN done d ON d.period = c.period AND d.account_no = c.account_no
WHERE c.active_any
`,
      },
    },
  ];
}
