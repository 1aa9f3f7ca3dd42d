"""How long each dashboard's page of figures takes (issue of the browser product; RELIABILITY D2): the first time after a start, when nothing of it is
kept ready, and then again and again; and how long the trial of a changed KPI takes to show its history of 24 months before and after.

Sizes by BENCH_ACCOUNTS and BENCH_MONTHS; BENCH_RUNS times each (20).
"""

import os
import time

import _company
import _tenure

RUNS = int(os.environ.get("BENCH_RUNS", "20"))
KPIS = os.environ.get("BENCH_KPIS", "engagement_rate,csat,logo_churn_month,ticket_resolution_time,nrr_12m").split(",")


def timed(address, path, key):
    start = time.perf_counter()
    _tenure.call(address, path, key)
    return (time.perf_counter() - start) * 1000


def change(files, kpi):
    """The program with one KPI's facts asked for otherwise, which gives the same figures."""
    text = files["kpis.yaml"]
    at = text.index(f"id: {kpi}\n")
    select = text.index("SELECT ", text.index("facts:", at))
    return {**files, "kpis.yaml": text[:select] + "SELECT /* tried */ " + text[select + len("SELECT ") :]}


def main():
    data, made = _company.folder()
    with _tenure.serving(data) as (address, _ready, _process):
        read = _tenure.tenure("key", "add", f"bench-{time.time_ns()}", "--scope", "read", data=data)
        write = _tenure.tenure("key", "add", f"bench-w-{time.time_ns()}", "--scope", "write", data=data)
        _tenure.settled(address, read)
        pages = [page["id"] for page in _tenure.call(address, "/api/v1/dashboards", read)["dashboards"]]
        cold, warm = {}, {}
        for page in pages:
            path = f"/api/v1/dashboards/{page}/data"
            cold[page] = timed(address, path, read)
            warm[page] = [timed(address, path, read) for _ in range(RUNS)]
        files = _tenure.call(address, "/api/v1/program/export", read)["files"]
        trials = {}
        for kpi in KPIS:
            start = time.perf_counter()
            _tenure.call(address, "/api/v1/program/preview", write, {"files": change(files, kpi)})
            while (trial := _tenure.call(address, "/api/v1/program/preview", write))["state"] == "running":
                time.sleep(0.02)
            trials[kpi] = (time.perf_counter() - start, trial["state"], len(trial["kpis"]))
    every = [ms for times in warm.values() for ms in times]
    _tenure.report(
        bench="dashboards",
        accounts=_company.ACCOUNTS,
        months=_company.MONTHS,
        made=made,
        dashboards=len(pages),
        first_ms={page: round(ms) for page, ms in cold.items()},
        first_p95_ms=round(_tenure.percentile(list(cold.values()), 0.95)),
        warm_p50_ms=round(_tenure.percentile(every, 0.5), 1),
        warm_p95_ms=round(_tenure.percentile(every, 0.95), 1),
        slowest_warm_ms=round(max(_tenure.percentile(times, 0.95) for times in warm.values()), 1),
        trial_s={kpi: [round(took, 2), state, affected] for kpi, (took, state, affected) in trials.items()},
        goal={"warm_p95_ms": 300, "first_ms": 1000, "trial_s": 3},
    )


main()
