"""A back-test of the score set by hand over BENCH_CUTOFFS (24) month ends, from asking to the kept report: what was known of every account on
every cutoff, the score and what it must beat, 500 draws for every interval, by segment and by month. With BENCH_LEARNED=1 the same with training too.

Beside it DuckDB, which holds the rows of the finished back-test and only has to rank them: the AUC of every method, without an interval. Both
are compared. Sizes by BENCH_ACCOUNTS, BENCH_MONTHS; BENCH_RUNS (3). Needs
`pip install duckdb`. One JSON line.
"""

import datetime
import os
import time

import _company
import _tenure

CUTOFFS = int(os.environ.get("BENCH_CUTOFFS", "24"))
RUNS = int(os.environ.get("BENCH_RUNS", "3"))


def tested(address, key, **asked):
    """Seconds of a back-test and what came of it."""
    start = time.perf_counter()
    it = _tenure.call(address, "/api/v1/scores/health/backtests", key, asked)
    while it["state"] == "running":
        time.sleep(0.02)
        it = _tenure.call(address, f"/api/v1/backtests/{it['id']}", key)
    if it["state"] == "failed":
        raise RuntimeError(it)
    return time.perf_counter() - start, it


def ranked(folder):
    """Seconds that DuckDB needs for the AUC of every method on the tested rows, which it has read before, and the AUCs."""
    import duckdb

    db = duckdb.connect()
    db.execute("SET threads = 2")
    db.execute(
        f"""CREATE TABLE rows AS SELECT CAST(COLUMNS('^outcome$|^risk\\.') AS DOUBLE)
            FROM read_csv('{folder}/*.csv', header = true, nullstr = '', all_varchar = true) WHERE tested = '1'"""
    )
    methods = [name.removeprefix("risk.") for (name, *_) in db.execute("DESCRIBE rows").fetchall() if name.startswith("risk.")]
    start, found = time.perf_counter(), {}
    for method in methods:
        found[method] = db.execute(
            f"""
            WITH told AS (SELECT outcome = 1 AS came, rank() OVER (ORDER BY "risk.{method}") AS low, count(*) OVER (PARTITION BY "risk.{method}") AS ties
                          FROM rows WHERE "risk.{method}" IS NOT NULL),
            sums AS (SELECT sum(low + (ties - 1) / 2) FILTER (WHERE came) AS ranks, count(*) FILTER (WHERE came) AS hits, count(*) FILTER (WHERE NOT came) AS rest FROM told)
            SELECT (ranks - hits * (hits + 1) / 2) / (hits::DOUBLE * rest) FROM sums"""
        ).fetchone()[0]
    return time.perf_counter() - start, found


def main():
    data, _ = _company.folder()
    with _tenure.serving(data) as (address, _ready, _process):
        key = _tenure.tenure("key", "add", f"bench-{time.time_ns()}", "--scope", "write", data=data)
        _tenure.settled(address, key)
        # The cutoffs before the newest one.
        _, newest = tested(address, key, only_hand_set=True)
        last = datetime.date.fromisoformat(newest["report"]["to"])
        first = last
        for _ in range(CUTOFFS - 1):
            first = first.replace(day=1) - datetime.timedelta(days=1)
        asked = {"from": str(first), "to": str(last), "only_hand_set": True}
        by_hand = sorted(round(tested(address, key, **asked)[0], 2) for _ in range(RUNS))
        _, kept = tested(address, key, **asked, rows=True)
        learned = [round(tested(address, key, **{**asked, "only_hand_set": False})[0], 1)] if os.environ.get("BENCH_LEARNED") else None
        report = kept["report"]
    peer, areas = ranked(os.path.join(data, "backtests", kept["id"]))
    worst = max(abs(method["auc"]["value"] - areas[method["id"]]) for method in report["methods"])
    _tenure.report(bench="backtest", accounts=_company.ACCOUNTS, cutoffs=report["cutoffs"], rows=report["rows"], methods=len(report["methods"]), by_hand_s=by_hand,
                   learned_s=learned, duckdb_auc_only_s=round(peer, 2), auc_differs_by=worst)


if __name__ == "__main__":
    main()
