"""The program's metrics and KPIs as another engine computes them: the same Parquet files, the same facts queries, DuckDB.

DuckDB is given the accounts' spans (who was active when, in which segment, at which MRR) as a finished table, so that it is spared what the
subject works out from revenue events and segment rules.
"""

import re
import tempfile
from datetime import date, timedelta

import duckdb
import yaml

MACROS = """
CREATE MACRO prop(j, k) AS json_extract_string(j, '$."' || k || '"');
CREATE MACRO prop_num(j, k) AS TRY_CAST(json_extract_string(j, '$."' || k || '"') AS DOUBLE);
CREATE MACRO prop_bool(j, k) AS TRY_CAST(json_extract_string(j, '$."' || k || '"') AS BOOLEAN);
"""


def load(path):
    with open(path, encoding="utf-8") as text:
        return yaml.safe_load(text)


def month_end(day):
    following = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return following - timedelta(days=1)


def kept_days(today, months=25):
    """The month ends of the last two years, and today."""
    days, day = [], today.replace(day=1)
    for _ in range(months - 1):
        day = (day - timedelta(days=1)).replace(day=1)
    while month_end(day) < today:
        days.append(month_end(day))
        day = month_end(day) + timedelta(days=1)
    return [*days, today]


def back(day, months):
    """The same day of the month so many months earlier, at most that month's last day."""
    at = day.year * 12 + day.month - 1 - months
    first = date(at // 12, at % 12 + 1, 1)
    return min(first + timedelta(days=day.day - 1), month_end(first))


def window(kpi, day):
    """First and last day of the figure of a day (docs/program.md)."""
    text, lag = str(kpi["window"]), kpi.get("lag")
    last = day
    if lag:
        last = day - timedelta(days=int(lag[:-1]))
        if text == "month":
            last = (last + timedelta(days=1)).replace(day=1) - timedelta(days=1)
        if text == "quarter":
            following = last + timedelta(days=1)
            last = following.replace(month=(following.month - 1) // 3 * 3 + 1, day=1) - timedelta(days=1)
    if text == "day":
        return last, last
    if text == "month":
        return last.replace(day=1), last
    if text == "quarter":
        return last.replace(month=(last.month - 1) // 3 * 3 + 1, day=1), last
    if text.endswith("m"):
        if last == month_end(last):
            return back(last.replace(day=1), int(text[:-1]) - 1), last
        return back(last, int(text[:-1])) + timedelta(days=1), last
    return last - timedelta(days=int(text[:-1]) - 1), last


COHORT = """
CREATE OR REPLACE TABLE cohort AS
WITH met AS (
  SELECT p.period, p.first_day, p.last_day, l.account_no, l.started, l.ended
  FROM periods p JOIN lives l ON l.started <= p.last_day AND l.ended >= p.first_day
), rolled AS (
  SELECT period, account_no, any_value(first_day) AS first_day, any_value(last_day) AS last_day,
         bool_or(started < first_day AND ended > first_day - 1) AS active_start,
         bool_or(started <= last_day AND ended > last_day) AS active_end,
         bool_or(ended > first_day) AS active_any,
         bool_or(ended BETWEEN first_day AND last_day) AS churned_any,
         max(started) AS started_on, arg_max(ended, started) AS ended
  FROM met GROUP BY period, account_no
)
SELECT r.period, r.account_no, r.first_day, r.last_day, r.active_start, r.active_end, r.active_any, r.churned_any, r.started_on,
       CASE WHEN r.ended <= r.last_day THEN r.ended END AS churned_on,
       CASE WHEN r.active_start THEN a.mrr END AS mrr_start, CASE WHEN r.active_end THEN b.mrr ELSE 0 END AS mrr_end,
       coalesce(c.segment, f.segment) AS segment, coalesce(c.owner, CASE WHEN c.account_no IS NULL THEN f.owner END) AS owner
FROM rolled r
LEFT JOIN account_spans a ON a.account_no = r.account_no AND a.from_day <= r.first_day - 1 AND a.to_day > r.first_day - 1
LEFT JOIN account_spans b ON b.account_no = r.account_no AND b.from_day <= r.last_day AND b.to_day > r.last_day
LEFT JOIN account_spans c ON c.account_no = r.account_no AND c.from_day <= {at} AND c.to_day > {at}
LEFT JOIN firsts f ON f.account_no = r.account_no
WHERE r.active_start OR r.active_any
"""

COUNTED = """
CREATE OR REPLACE TABLE counted AS
SELECT p.period, f.account_no, coalesce(c.segment, f.segment) AS segment, CASE WHEN c.account_no IS NULL THEN f.owner ELSE c.owner END AS owner
FROM periods p CROSS JOIN firsts f
LEFT JOIN account_spans c ON c.account_no = f.account_no AND c.from_day <= {at} AND c.to_day > {at}
"""


class Peer:
    """DuckDB over the sealed files."""

    def __init__(self, files, spans, accounts, program, today, memory="2GB", threads=2):
        self.db = duckdb.connect()
        self.db.execute(f"SET threads = {threads}; SET memory_limit = '{memory}'; SET TimeZone = 'UTC'; SET temp_directory = '{tempfile.mkdtemp()}'")
        self.db.execute(MACROS)
        listed = ", ".join(f"'{file}'" for file in files)
        self.db.execute(f"CREATE VIEW events AS SELECT * FROM read_parquet([{listed}])")
        self.db.execute(f"CREATE TABLE account_spans AS SELECT * FROM read_csv('{spans}', header = true, types = {{'account_no': 'BIGINT', 'from_day': 'DATE', 'to_day': 'DATE', 'active': 'BOOLEAN', 'mrr': 'DOUBLE', 'segment': 'VARCHAR', 'owner': 'VARCHAR'}}, nullstr = '')")
        self.db.execute(f"CREATE TABLE accounts AS SELECT * FROM read_csv('{accounts}', header = true, sample_size = -1)")
        self.kpis = [kpi for kpi in load(program / "kpis.yaml")["kpis"] if kpi.get("facts") and "score_days" not in kpi["facts"]]  # scores are computed before any query
        self.metrics = load(program / "metrics.yaml")["metrics"]
        self.today = today
        self.days = kept_days(today)

    def measure(self):
        """Every metric of every account on the day, as one wide table."""
        columns = []
        for metric in self.metrics:
            how = metric.get("measure")
            if not how:
                continue
            quoted = lambda names: ", ".join(f"'{name}'" for name in names)
            which = [f"name IN ({quoted(metric['events'])})"] if metric.get("events") else []
            which += [f"kind IN ({quoted(metric['kinds'])})"] if metric.get("kinds") else []
            conditions = ["(" + " OR ".join(which) + ")"]
            if metric.get("window"):
                first = self.today - timedelta(days=int(metric["window"][:-1]) - 1)
                conditions.append(f"day >= DATE '{first}'")
            if metric.get("where"):
                conditions.append(f"({metric['where']})")
            of = metric.get("of")
            term = {
                "count": "count(*)",
                "distinct": f"count(DISTINCT {of})",
                "sum": f"sum({of})",
                "mean": f"avg({of})",
                "min": f"min({of})",
                "max": f"max({of})",
                "latest": f"arg_max({of}, occurred_at)",
                "earliest": f"arg_min({of}, occurred_at)",
                "days_since": f"DATE '{self.today}' - max(day)",
            }[how]
            columns.append(f"{term} FILTER (WHERE {' AND '.join(conditions)}) AS {metric['id']}")
        self.db.execute(f"CREATE OR REPLACE TABLE measured AS SELECT account_no, {', '.join(columns)} FROM events WHERE day <= DATE '{self.today}' GROUP BY account_no")
        formulas = [f"{m['expr']} AS {m['id']}" for m in self.metrics if m.get("expr")]
        self.db.execute(f"CREATE OR REPLACE TABLE metrics AS SELECT m.*, {', '.join(formulas)} FROM (SELECT m.*, a.seats, a.mrr, DATE '{self.today}' - CAST(a.started_on AS DATE) AS days_active FROM measured m JOIN accounts a ON a.account_no = m.account_no) m")
        return self.db.execute("SELECT count(*) FROM metrics").fetchone()[0]

    def facts(self):
        """For each KPI the table `facts` of all days, beside `counted`: in which segment and with which owner each account counts."""
        self.db.execute("""
CREATE OR REPLACE TABLE lives AS
WITH marked AS (
  SELECT account_no, from_day, to_day, CASE WHEN lag(to_day) OVER w = from_day THEN 0 ELSE 1 END AS opens
  FROM account_spans WHERE active WINDOW w AS (PARTITION BY account_no ORDER BY from_day)
), runs AS (
  SELECT *, sum(opens) OVER (PARTITION BY account_no ORDER BY from_day) AS run FROM marked
)
SELECT account_no, min(from_day) AS started, max(to_day) AS ended FROM runs GROUP BY account_no, run""")
        self.db.execute("CREATE OR REPLACE TABLE firsts AS SELECT account_no, arg_min(segment, from_day) AS segment, arg_min(owner, from_day) AS owner FROM account_spans GROUP BY account_no")
        groups = {}
        for kpi in self.kpis:
            groups.setdefault((str(kpi["window"]), kpi.get("lag"), kpi.get("segment_at", "end")), []).append(kpi)
        for (_, _, at), kpis in groups.items():
            rows = [(day, *window(kpis[0], day)) for day in self.days]
            self.db.execute("CREATE OR REPLACE TABLE periods (period DATE, first_day DATE, last_day DATE)")
            self.db.executemany("INSERT INTO periods VALUES (?, ?, ?)", rows)
            day = "{0}.first_day - 1" if at == "start" else "{0}.last_day"
            self.db.execute(COHORT.format(at=day.format("r")))
            self.db.execute(COUNTED.format(at=day.format("p")))
            low, high = min(row[1] for row in rows), max(row[2] for row in rows)
            self.db.execute(f"CREATE OR REPLACE VIEW period_events AS SELECT p.period, e.* FROM events e JOIN periods p ON e.day >= p.first_day AND e.day <= p.last_day WHERE e.day BETWEEN DATE '{low}' AND DATE '{high}'")
            for kpi in kpis:
                # The newest value last, with the rows that hold none before them: as `last_value(… ORDER BY …)` of the facts means it.
                facts = re.sub(r"last_value\(", "last(", kpi["facts"])
                self.db.execute(f"CREATE OR REPLACE TABLE facts AS {facts}")
                yield kpi["id"]

    def figures(self):
        """Numerator and denominator by KPI, day and scope (`all` and segments)."""
        found = {}
        for kpi in self.facts():
            answer = self.db.execute("""
SELECT f.period::DATE, CASE WHEN grouping(c.segment) = 1 THEN 'all' ELSE c.segment END AS scope, sum(f.numerator), sum(f.denominator)
FROM facts f LEFT JOIN counted c ON c.period = f.period AND c.account_no = f.account_no
GROUP BY GROUPING SETS ((f.period), (f.period, c.segment))""").fetchall()
            for period, scope, numerator, denominator in answer:
                if scope is not None:
                    found[kpi, period, scope] = (float(numerator or 0), float(denominator or 0))
        return found

    def figures_of(self, wanted):
        """Numerator and denominator by KPI, day, segment and owner; a segment or owner of `None` is everybody. `wanted`: days."""
        self.days, found = sorted(wanted), {}
        for kpi in self.facts():
            answer = self.db.execute("""
SELECT f.period::DATE, grouping(c.segment), c.segment, grouping(c.owner), c.owner, sum(f.numerator), sum(f.denominator)
FROM facts f LEFT JOIN counted c ON c.period = f.period AND c.account_no = f.account_no
GROUP BY GROUPING SETS ((f.period), (f.period, c.segment), (f.period, c.owner), (f.period, c.segment, c.owner))""").fetchall()
            for period, any_segment, segment, any_owner, owner, numerator, denominator in answer:
                if (any_segment or segment is not None) and (any_owner or owner is not None):
                    found[kpi, period, segment, owner] = (float(numerator or 0), float(denominator or 0))
        return found
