"""How long the Overview's and the Accounts page's API take, how long a start takes, and what an idle server uses. Sizes by BENCH_ACCOUNTS and BENCH_MONTHS."""

import os
import time

import _company
import _tenure

RUNS = int(os.environ.get("BENCH_RUNS", "200"))
IDLE = int(os.environ.get("BENCH_IDLE_SECONDS", "60"))

# Each request asks for something else, so that no answer can be one that was kept.
SORTS = ["logins_30d", "tickets_30d", "active_users_30d", "mrr", "name"]
PATHS = {
    "overview": lambda run: "/api/v1/kpis?by=segment",
    "accounts": lambda run: f"/api/v1/accounts?limit={60 + run % 41}&sort={'-' if run % 2 else ''}{SORTS[run % len(SORTS)]}&columns=logins_30d,tickets_30d",
    "accounts_filtered": lambda run: f"/api/v1/accounts?limit=100&filter=logins_30d%20%3C%20{2 + run % 29}%20AND%20mrr%20%3E%20{50 + 7 * run}",
}


def memory(process):
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
        return int(next(line.split()[1] for line in status if line.startswith("VmRSS"))) // 1024


def cpu(process):
    with open(f"/proc/{process.pid}/stat", encoding="utf-8") as text:
        fields = text.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    data, made = _company.folder()
    with _tenure.serving(data) as (address, started_s, process):
        key = _tenure.tenure("key", "add", f"bench-{time.time_ns()}", "--scope", "read", data=data)
        settled = _tenure.settled(address, key)
        figures = {}
        for name, path in PATHS.items():
            times = []
            for run in range(RUNS):
                start = time.perf_counter()
                _tenure.get(address, path(run), key)
                times.append((time.perf_counter() - start) * 1000)
            figures[f"{name}_first_ms"] = round(times[0], 1)
            figures[f"{name}_p50_ms"] = round(_tenure.percentile(times[1:], 0.5), 1)
            figures[f"{name}_p99_ms"] = round(_tenure.percentile(times[1:], 0.99), 1)
        time.sleep(5)
        before, start = cpu(process), time.perf_counter()
        time.sleep(IDLE)
        idle = (cpu(process) - before) / (time.perf_counter() - start)
        rss = memory(process)
    _tenure.report(bench="pages", accounts=_company.ACCOUNTS, months=_company.MONTHS, made=made, started_s=round(started_s, 2), figures_current_after_s=round(settled, 1), idle_share_of_a_core=round(idle, 4), idle_rss_mb=rss, **figures)


main()
