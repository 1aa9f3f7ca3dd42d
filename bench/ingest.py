"""Durable ingest over 64 connections: events of 1 KB one by one and in batches of 100, beside the floor that the disk allows in the same run.

The floor is what one connection of the embedded database commits in transactions of 100 rows with synchronous = FULL.
"""

import os
import sqlite3
import tempfile
import time

import _tenure
from _load import SECONDS, load

PAIRS = int(os.environ.get("BENCH_PAIRS", "3"))


def floor():
    """Rows a second in durable transactions of 100 rows."""
    with tempfile.TemporaryDirectory(prefix="tenure-floor-") as folder:
        base = sqlite3.connect(os.path.join(folder, "floor.db"), isolation_level=None)
        base.execute("PRAGMA journal_mode = WAL")
        base.execute("PRAGMA synchronous = FULL")
        base.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, body TEXT)")
        body, rows, start = "x" * 1000, 0, time.perf_counter()
        while time.perf_counter() - start < SECONDS / 2:
            base.execute("BEGIN IMMEDIATE")
            base.executemany("INSERT INTO rows (body) VALUES (?)", [(body,)] * 100)
            base.execute("COMMIT")
            rows += 100
        return rows / (time.perf_counter() - start)


def cpu(process):
    """Seconds of processor time that the server has used."""
    with open(f"/proc/{process.pid}/stat", encoding="utf-8") as text:
        fields = text.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    with _tenure.server() as (address, data, process):
        def key():
            # Each load has a key of its own: one key may send 50,000 events a second and some seconds' worth at once.
            return _tenure.tenure("key", "add", f"bench-{time.monotonic_ns()}", "--scope", "ingest", data=data)

        singles, batches, floors, spent = [], [], [], []
        for _ in range(PAIRS):
            floors.append(floor())
            before = cpu(process)
            singles.append(load(address, key(), 1))
            middle = cpu(process)
            batches.append(load(address, key(), 100))
            spent.append(((middle - before) * 1e6 / max(singles[-1]["requests"], 1), (cpu(process) - middle) * 1e4 / max(batches[-1]["requests"], 1)))
    # What was refused was not stored.
    rates = [100 * (run["requests"] - run["failed"]) / run["seconds"] for run in batches]
    ratios = [rate / lowest for rate, lowest in zip(rates, floors)]
    middle = lambda values: _tenure.percentile(values, 0.5)
    _tenure.report(
        bench="ingest",
        connections=64,
        single_events_per_s=round(middle([(run["requests"] - run["failed"]) / run["seconds"] for run in singles])),
        single_p50_ms=middle([run["p50_ms"] for run in singles]),
        single_p99_ms=middle([run["p99_ms"] for run in singles]),
        single_cpu_us=round(middle([one for one, _ in spent])),
        batch_100_events_per_s=round(middle(rates)),
        batch_100_p99_ms=middle([run["p99_ms"] for run in batches]),
        batch_100_cpu_us_per_event=round(middle([many for _, many in spent]), 1),
        failed=sum(run["failed"] for run in singles + batches),
        floor_100_rows_per_s=round(middle(floors)),
        batch_to_floor=round(middle(ratios), 3),
        batch_to_floor_range=[round(min(ratios), 3), round(max(ratios), 3)],
        note="the load generator shares the machine's cores with the server",
    )


main()
