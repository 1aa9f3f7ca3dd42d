"""The scores of every account on every day, computed anew, beside DuckDB doing the same arithmetic over the same Parquet files in the same run:
every measure of every model of `scores.yaml` in its window, its curve, and the weights with what is missing handed on.

Both keep what they found: ours the stretches in which a score holds, the peer one row for each account and day. The peer is spared who was
active when and in which segment, which it is given as a table, and from when on a measure counts. Scores of the newest day are compared.
Sizes by BENCH_ACCOUNTS, BENCH_MONTHS; needs `pip install duckdb pyyaml`. One JSON line.
"""

import glob
import json
import os
import time

import _company
import _tenure
from _peer import MACROS, load

PAIRS = int(os.environ.get("BENCH_PAIRS", "3"))


def days(text):
    return int(str(text)[:-1])


def line(curve, value):
    """SQL of a curve's points."""
    if "steps" in curve:
        cuts, points = curve["steps"]["cuts"], curve["steps"]["points"]
        cases = " ".join(f"WHEN {value} < {cut} THEN {height}" for cut, height in zip(cuts, points))
        return f"CASE WHEN {value} IS NULL THEN NULL {cases} ELSE {points[-1]} END"
    knots = curve["linear"]["knots"]
    cases = [f"WHEN {value} < {knots[0][0]} THEN {knots[0][1]}"]
    for (x0, y0), (x1, y1) in zip(knots, knots[1:]):
        cases.append(f"WHEN {value} < {x1} THEN {y0} + {y1 - y0} * ({value} - {x0}) / {x1 - x0}")
    return f"CASE WHEN {value} IS NULL THEN NULL {' '.join(cases)} ELSE {knots[-1][1]} END"


class Peer:
    """DuckDB over the files."""

    def __init__(self, files, work, program):
        import duckdb

        self.metrics = {metric["id"]: metric for metric in load(program / "metrics.yaml")["metrics"]}
        self.scores = load(program / "scores.yaml")["scores"]
        self.db = duckdb.connect()
        self.db.execute("SET threads = 2; SET TimeZone = 'UTC'")
        self.db.execute(MACROS)
        listed = ", ".join(f"'{file}'" for file in files)
        self.db.execute(f"CREATE VIEW events AS SELECT * FROM read_parquet([{listed}]) WHERE account_no > 0")
        spans = "{'account_no': 'BIGINT', 'from_day': 'DATE', 'to_day': 'DATE', 'active': 'BOOLEAN', 'mrr': 'DOUBLE', 'segment': 'VARCHAR', 'owner': 'VARCHAR'}"
        self.db.execute(f"CREATE TABLE spans AS SELECT * FROM read_csv('{work}/spans.csv', header = true, types = {spans}, nullstr = '')")
        self.db.execute(f"CREATE TABLE accounts AS SELECT account_no, seats FROM read_csv('{work}/accounts.csv', header = true, sample_size = -1)")

    def needed(self):
        """The metrics that the scores read, each after what it reads."""
        found = []

        def add(name):
            metric = self.metrics[name]
            for other in self.metrics if metric.get("expr") else ():
                if other != name and other in metric["expr"].replace("(", " ").replace(")", " ").replace(",", " ").split():
                    add(other)
            if name not in found:
                found.append(name)

        for score in self.scores:
            for model in score["models"]:
                for group in model["groups"]:
                    for measure in group["measures"]:
                        add(measure["metric"])
        return found

    def condition(self, metric):
        quoted = lambda names: ", ".join(f"'{name}'" for name in names)
        which = [f"name IN ({quoted(metric['events'])})"] if metric.get("events") else []
        which += [f"kind IN ({quoted(metric['kinds'])})"] if metric.get("kinds") else []
        return "(" + " OR ".join(which) + ")" + (f" AND ({metric['where']})" if metric.get("where") else "")

    def run(self):
        """Fills the table `scored`: account, day, one column for each score."""
        self.db.execute("CREATE OR REPLACE TABLE lives AS SELECT account_no, from_day, to_day, segment, min(from_day) OVER (PARTITION BY account_no, run) AS started FROM ("
                        "SELECT *, sum(opens) OVER (PARTITION BY account_no ORDER BY from_day) AS run FROM ("
                        "SELECT *, CASE WHEN lag(to_day) OVER (PARTITION BY account_no ORDER BY from_day) = from_day THEN 0 ELSE 1 END AS opens FROM spans WHERE active))")
        daily, distinct, running, values = [], [], [], []
        for name in self.needed():
            metric = self.metrics[name]
            how, window = metric.get("measure"), days(metric["window"]) if metric.get("window") else None
            if not how:
                values.append(f"{metric['expr']} AS {name}")
                continue
            which = self.condition(metric)
            total = lambda column: f"sum(coalesce({column}, 0)) OVER w AS {column}_all"
            within = lambda column: f"{column}_all - coalesce(lag({column}_all, {window}) OVER w, 0)" if window else f"{column}_all"
            if how == "count":
                daily.append(f"count(*) FILTER (WHERE {which}) AS {name}_n")
                running.append(total(f"{name}_n"))
                values.append(f"{within(f'{name}_n')} AS {name}")
            elif how == "mean":
                daily.append(f"count({metric['of']}) FILTER (WHERE {which}) AS {name}_n, sum({metric['of']}) FILTER (WHERE {which}) AS {name}_s")
                running += [total(f"{name}_n"), total(f"{name}_s")]
                values.append(f"({within(f'{name}_s')}) / nullif({within(f'{name}_n')}, 0) AS {name}")
            elif how == "days_since":
                daily.append(f"max(day) FILTER (WHERE {which}) AS {name}_d")
                running.append(f"last_value({name}_d IGNORE NULLS) OVER w AS {name}_last")
                values.append(f"day - {name}_last AS {name}")
            elif how == "latest":
                daily.append(f"arg_max({metric['of']}, occurred_at) FILTER (WHERE {which}) AS {name}_v")
                running += [f"last_value({name}_v IGNORE NULLS) OVER w AS {name}", f"last_value(CASE WHEN {name}_v IS NOT NULL THEN day END IGNORE NULLS) OVER w AS {name}_on"]
            elif how == "distinct":
                # A value counts from its day until it is seen again or its day leaves the window, so each is counted once.
                distinct.append(f"""
                    SELECT account_no, unnest([day, least(coalesce(lead(day) OVER s, DATE '9999-01-01'), day + {window})]) AS day, unnest([1, -1]) AS step, '{name}' AS of
                    FROM (SELECT DISTINCT account_no, day, {metric['of']} AS value FROM events WHERE {which} AND {metric['of']} IS NOT NULL)
                    WINDOW s AS (PARTITION BY account_no, value ORDER BY day)""")
                running.append(total(f"{name}_n"))
                values.append(f"{name}_n_all AS {name}")
            else:
                raise ValueError(f"{name}: {how} is not computed by the peer")
        self.db.execute(f"CREATE OR REPLACE TABLE sums AS SELECT account_no, day, {', '.join(daily)} FROM events GROUP BY account_no, day")
        pivots = [name for name in self.needed() if self.metrics[name].get("measure") == "distinct"]
        steps = ", ".join(f"sum(step) FILTER (WHERE of = '{name}') AS {name}_n" for name in pivots)
        self.db.execute(f"CREATE OR REPLACE TABLE steps AS SELECT account_no, day::DATE AS day, {steps} FROM ({' UNION ALL '.join(distinct)}) GROUP BY ALL")
        points, sums, scores = [], [], []
        for score in self.scores:
            cases = []
            for model in score["models"]:
                groups = []
                whole = sum(group["weight"] for group in model["groups"])
                for group in model["groups"]:
                    parts, all_weights = [], sum(measure["weight"] for measure in group["measures"])
                    for measure in group["measures"]:
                        at, name = f"p{len(points)}", measure["metric"]
                        # Counts and days since are of the day itself; only a value that an event gave grows old.
                        fresh = f"CASE WHEN day - {name}_on <= {days(measure['stale_after'])} THEN {name} END" if "stale_after" in measure and self.metrics[name].get("measure") == "latest" else name
                        points.append(f"{line(measure['curve'], f'({fresh})')} AS {at}")
                        parts.append((measure["weight"], at))
                    there = " + ".join(f"CASE WHEN {at} IS NULL THEN 0 ELSE {weight} END" for weight, at in parts)
                    given = " + ".join(f"coalesce({weight} * {at}, 0)" for weight, at in parts)
                    own = f"g{len(sums) // 2}"
                    sums += [f"({given}) / nullif({there}, 0) AS {own}", f"({there}) / {all_weights} AS {own}_share"]
                    groups.append((group["weight"], own))
                there = " + ".join(f"CASE WHEN {own} IS NULL THEN 0 ELSE {weight} END" for weight, own in groups)
                given = " + ".join(f"coalesce({weight} * {own}, 0)" for weight, own in groups)
                covered = " + ".join(f"{weight} * {own}_share" for weight, own in groups)
                value = f"CASE WHEN ({covered}) / {whole} >= {model.get('min_coverage', 0.5)} AND days_active >= {model.get('quiet_days', 30)} THEN round(({given}) / nullif({there}, 0), 3) END"
                segments = ", ".join(f"'{segment}'" for segment in model.get("segments", []))
                cases.append(f"WHEN {f'segment IN ({segments})' if segments else 'TRUE'} THEN {value}")
            scores.append(f"CASE {' '.join(cases)} END AS {score['id']}")
        last = "(SELECT max(day) FROM sums)"
        self.db.execute(f"""
            CREATE OR REPLACE TABLE scored AS
            WITH firsts AS (SELECT account_no, min(day) AS first FROM (SELECT account_no, day FROM sums UNION ALL SELECT account_no, from_day FROM spans) GROUP BY account_no),
            grid AS (SELECT account_no, unnest(generate_series(first, {last}, INTERVAL 1 DAY))::DATE AS day FROM firsts),
            summed AS (
              SELECT g.account_no, g.day, {', '.join(running)}
              FROM grid g LEFT JOIN sums USING (account_no, day) LEFT JOIN steps USING (account_no, day)
              WINDOW w AS (PARTITION BY g.account_no ORDER BY g.day ROWS UNBOUNDED PRECEDING)
            ), windows AS (
              SELECT s.*, l.segment, s.day - l.started AS days_active, a.seats, {', '.join(value for value in values if 'lag(' in value)}, l.started
              FROM summed s JOIN accounts a USING (account_no)
              LEFT JOIN lives l ON l.account_no = s.account_no AND l.from_day <= s.day AND l.to_day > s.day
              WINDOW w AS (PARTITION BY s.account_no ORDER BY s.day)
            ), metrics AS (
              SELECT *, {', '.join(value for value in values if 'lag(' not in value)} FROM windows WHERE segment IS NOT NULL
            ), curved AS (SELECT account_no, day, segment, days_active, {', '.join(points)} FROM metrics),
            grouped AS (SELECT account_no, day, segment, days_active, {', '.join(sums)} FROM curved)
            SELECT account_no, day, {', '.join(scores)} FROM grouped""")
        return self.db.execute("SELECT count(*) FROM scored").fetchone()[0]


def ours(data):
    answer = json.loads(_tenure.tenure("recompute", data=data))
    return answer["scores_s"], answer["accounts"]


def compared(peer, data):
    """How many scores of the newest day are compared, and how many differ by more than the thousandth that is kept."""
    newest = peer.db.execute("SELECT max(day) FROM scored").fetchone()[0]
    numbers = {}
    for first in range(0, _company.ACCOUNTS + 1, 10_000):
        part = f"SELECT account_id, account_no FROM accounts WHERE account_no >= {first} AND account_no < {first + 10_000}"
        numbers.update(json.loads(_tenure.tenure("sql", part, "--format", "json", "--limit", "100000", data=data))["rows"])
    count = differing = 0
    for score in peer.scores:
        found = dict(peer.db.execute(f"SELECT account_no, {score['id']} FROM scored WHERE day = ?", [newest]).fetchall())
        kept = json.loads(_tenure.tenure("scores", "--score", score["id"], "--as-of", str(newest), "--format", "json", data=data))
        for item in kept["items"] if isinstance(kept, dict) else kept:
            mine, other = item["points"], found.get(numbers[item["account_id"]])
            count += 1
            differing += (mine is None) != (other is None) or (mine is not None and abs(mine - other) > 0.002)
    return count, differing


def main():
    data, _ = _company.folder()
    work = _company.tables(data)
    ours(data)
    files = glob.glob(os.path.join(data, "lake", "**", "*.parquet"), recursive=True)
    pairs = []
    for _ in range(PAIRS):
        mine, accounts = ours(data)
        peer = Peer(files, work, _tenure.ROOT / "programs/medtrainer")
        start = time.perf_counter()
        account_days = peer.run()
        pairs.append((mine, time.perf_counter() - start))
    count, differing = compared(peer, data)
    ratios = sorted(mine / other for mine, other in pairs)
    _tenure.report(accounts=accounts, account_days=account_days, tenure_s=sorted(p[0] for p in pairs), duckdb_s=sorted(round(p[1], 2) for p in pairs),
                   ratio=round(ratios[len(ratios) // 2], 2), scores_compared=count, scores_differing=differing)


if __name__ == "__main__":
    main()
