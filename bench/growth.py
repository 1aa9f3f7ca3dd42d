"""The same benches at 1 %, 10 % and 100 % of the size (BENCH_ACCOUNTS, 100,000), as one table: what grows with the base, and what does not.

Keeps the companies between runs under BENCH_CACHE. Prints the JSON line, and the table on standard error.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import _tenure

LARGEST = int(os.environ.get("BENCH_ACCOUNTS", "100000"))
SIZES = [max(1, LARGEST // 100), max(1, LARGEST // 10), LARGEST]
# Bench, and which of its figures is shown under which name.
SHOWN = {
    "effect": {"p50_ms": "an event's effect, p50, ms", "p99_ms": "its p99, ms"},
    "pages": {
        "overview_p99_ms": "Overview, p99, ms",
        "accounts_p99_ms": "Accounts, p99, ms",
        "accounts_filtered_p99_ms": "Accounts with a condition, p99, ms",
        "started_s": "start, s",
        "idle_rss_mb": "memory, MB",
        "idle_share_of_a_core": "idle, share of a core",
    },
    "recompute": {"tenure_s": "full recompute, accounts and figures, s", "duckdb_s": "DuckDB, metrics and figures, s", "peak_mb": "peak of memory, MB"},
}


def run(bench, accounts):
    """The JSON line of a bench at a size; what it says goes on."""
    env = {**os.environ, "BENCH_ACCOUNTS": str(accounts), "BENCH_PAIRS": os.environ.get("BENCH_PAIRS", "1")}
    done = subprocess.run([sys.executable, str(Path(__file__).parent / f"{bench}.py")], env=env, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    wanted = [name for name in os.environ.get("BENCH_ONLY", ",".join(SHOWN)).split(",") if name in SHOWN]
    found = {bench: {size: run(bench, size) for size in SIZES} for bench in wanted}
    print("| figure | " + " | ".join(f"{size:,} accounts" for size in SIZES) + " |", file=sys.stderr)
    print("|---" * (len(SIZES) + 1) + "|", file=sys.stderr)
    rows = []
    for bench, lines in found.items():
        for field, name in SHOWN[bench].items():
            values = [lines[size].get(field) for size in SIZES]
            rows.append({"bench": bench, "figure": name, "values": values})
            print(f"| {name} | " + " | ".join(str(value) for value in values) + " |", file=sys.stderr)
    _tenure.report(bench="growth", sizes=SIZES, rows=rows)


main()
