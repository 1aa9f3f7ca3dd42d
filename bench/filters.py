"""A dashboard's figures under random filters, each beside a slow, exact recomputation by another engine on the same history (RELIABILITY D5).

Sizes by BENCH_ACCOUNTS and BENCH_MONTHS, BENCH_FILTERS filters (1,000): any dashboard, segment, owner and day of the last year and a half.
Needs `pip install duckdb pyyaml`.
"""

import glob
import os
import random
import time
import urllib.parse
from datetime import date, timedelta

import _company
import _tenure
from _peer import Peer

FILTERS = int(os.environ.get("BENCH_FILTERS", "1000"))
DAYS = 25


def main():
    rng = random.Random(1)
    data, made = _company.folder()
    _tenure.tenure("recompute", data=data)  # seals what is not in files yet
    work = _company.tables(data)
    files = glob.glob(os.path.join(data, "lake", "**", "*.parquet"), recursive=True)
    checked, differing, times, by_day = 0, [], [], {}
    with _tenure.serving(data) as (address, _ready, _process):
        key = _tenure.tenure("key", "add", f"bench-{time.time_ns()}", "--scope", "read", data=data)
        pages = [page["id"] for page in _tenure.get(address, "/api/v1/dashboards", key)["dashboards"]]
        first = _tenure.get(address, f"/api/v1/dashboards/{pages[0]}/data", key)
        segments, owners = [segment["id"] for segment in first["segments"]], first["owners"]
        today = date.fromisoformat(first["as_of"])
        days = sorted(today - timedelta(days=rng.randrange(1, 540)) for _ in range(DAYS))
        for number in range(FILTERS):
            day = days[number * DAYS // FILTERS]
            asked = {"as_of": str(day)}
            segment, owner = rng.choice([None, *segments]), rng.choice([None, rng.choice(owners)])
            asked |= {"segment": segment or "all"} | ({"owner": owner} if owner else {})
            begun = time.perf_counter()
            answer = _tenure.get(address, f"/api/v1/dashboards/{rng.choice(pages)}/data?{urllib.parse.urlencode(asked)}", key)
            times.append((time.perf_counter() - begun) * 1000)
            for tile in answer["tiles"]:
                if tile.get("kpi") and tile["figure"] and tile["figure"]["denominator"] is not None:
                    scope = None if tile["segment"] in (None, "all") else tile["segment"]
                    by_day.setdefault(day, []).append((tile["kpi"], scope, owner, tile["figure"]["numerator"] or 0, tile["figure"]["denominator"]))
    peer = Peer(files, os.path.join(work, "spans.csv"), os.path.join(work, "accounts.csv"), _tenure.ROOT / "programs/medtrainer", today)
    found = peer.figures_of(by_day)
    for day, figures in by_day.items():
        for kpi, segment, owner, *mine in figures:
            other = found.get((kpi, day, segment, owner), (0.0, 0.0))
            checked += 1
            if any(abs(a - b) > 1e-6 * max(1.0, abs(b)) for a, b in zip(mine, other)):
                differing.append((kpi, str(day), segment, owner, mine, other))
    _tenure.report(
        bench="filters",
        accounts=_company.ACCOUNTS,
        months=_company.MONTHS,
        made=made,
        filters=FILTERS,
        figures_checked=checked,
        different_figures=len({(d, k[0], k[1], k[2]) for d, all_of in by_day.items() for k in all_of}),
        figures_differing=len(differing),
        differing=differing[:10],
        p50_ms=round(_tenure.percentile(times, 0.5)),
        p95_ms=round(_tenure.percentile(times, 0.95)),
    )


main()
