"""The scores of every account on every day, computed anew, beside DuckDB doing windows, curves and weights of the first model of the program over
the same Parquet files in the same run. Sizes by BENCH_ACCOUNTS, BENCH_MONTHS; needs `pip install duckdb pyyaml`.

Ours reads what is kept of accounts, computes all scores of all models and keeps them; the peer computes one model of count, days-since and
mean-like measures for all accounts and keeps nothing.
"""

import glob
import json
import os
import time

import _company
import _tenure

PAIRS = int(os.environ.get("BENCH_PAIRS", "3"))


def ours(data):
    answer = json.loads(_tenure.tenure("recompute", data=data))
    return answer["scores_s"], answer["accounts"]


def theirs(files):
    import duckdb

    db = duckdb.connect()
    names = ", ".join(f"'{name}'" for name in files)
    start = time.perf_counter()
    # Logins and tickets of 30 days and days since the login, by running sums over days; then three curves and their weighted mean.
    rows = db.execute(f"""
        WITH days AS (
          SELECT account_no, day, count(*) FILTER (name = 'login') AS logins, count(*) FILTER (name = 'ticket_opened') AS tickets
          FROM read_parquet([{names}]) WHERE account_no > 0 GROUP BY account_no, day
        ), bounds AS (SELECT account_no, min(day) AS first FROM days GROUP BY account_no),
        last AS (SELECT max(day) AS day FROM days),
        grid AS (SELECT b.account_no, unnest(generate_series(b.first, (SELECT day FROM last), INTERVAL 1 DAY))::DATE AS day FROM bounds b),
        windows AS (
          SELECT g.account_no, g.day,
                 sum(coalesce(d.logins, 0)) OVER w AS logins_30d, sum(coalesce(d.tickets, 0)) OVER w AS tickets_30d,
                 g.day - max(CASE WHEN d.logins > 0 THEN g.day END) OVER (PARTITION BY g.account_no ORDER BY g.day) AS days_since_login
          FROM grid g LEFT JOIN days d ON d.account_no = g.account_no AND d.day = g.day
          WINDOW w AS (PARTITION BY g.account_no ORDER BY g.day ROWS 29 PRECEDING)
        )
        SELECT count(*), avg(0.4 * least(100, logins_30d * 8) + 0.3 * greatest(0, 95 - 15 * tickets_30d)
                             + 0.3 * greatest(0, 100 - 2 * coalesce(days_since_login, 50)))
        FROM windows""").fetchone()
    return time.perf_counter() - start, rows[0]


def main():
    data, made = _company.folder()
    ours(data)
    files = glob.glob(os.path.join(data, "lake", "**", "*.parquet"), recursive=True)
    pairs = []
    for _ in range(PAIRS):
        mine, accounts = ours(data)
        peer, days = theirs(files)
        pairs.append((mine, peer))
    ratios = sorted(mine / peer for mine, peer in pairs)
    print(json.dumps({"accounts": accounts, "account_days": days, "tenure_s": sorted(p[0] for p in pairs), "duckdb_s": sorted(p[1] for p in pairs), "ratio": ratios[len(ratios) // 2]}))


if __name__ == "__main__":
    main()
