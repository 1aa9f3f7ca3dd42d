"""How long the Overview's and the Accounts page's API take, warm, and how long import and start take. Sizes by BENCH_ACCOUNTS and BENCH_MONTHS."""

import os
import time

import _tenure

ACCOUNTS = int(os.environ.get("BENCH_ACCOUNTS", "1000"))
MONTHS = int(os.environ.get("BENCH_MONTHS", "12"))
RUNS = int(os.environ.get("BENCH_RUNS", "100"))

PATHS = {
    "overview": "/api/v1/kpis?by=segment",
    "accounts": "/api/v1/accounts?limit=100&sort=-logins_30d&columns=logins_30d,tickets_30d",
    "accounts_filtered": "/api/v1/accounts?limit=100&filter=logins_30d%20%3C%205%20AND%20mrr%20%3E%20100",
}


def settle(address, key):
    start = time.perf_counter()
    while True:
        now = _tenure.get(address, "/api/v1/metrics/progress", key)
        if now["up_to"] == now["newest"] and now["marked_months"] == 0 and now["total"] == 0:
            return time.perf_counter() - start
        time.sleep(0.1)


def main():
    begun = time.perf_counter()
    with _tenure.server(ACCOUNTS, MONTHS) as (address, data, process):
        imported = time.perf_counter() - begun
        key = _tenure.tenure("key", "add", "bench", "--scope", "read", data=data)
        settled = settle(address, key)
        figures = {}
        for name, path in PATHS.items():
            times = []
            for _ in range(RUNS):
                start = time.perf_counter()
                _tenure.get(address, path, key)
                times.append((time.perf_counter() - start) * 1000)
            figures[f"{name}_p50_ms"] = round(_tenure.percentile(times, 0.5), 1)
            figures[f"{name}_p99_ms"] = round(_tenure.percentile(times, 0.99), 1)
        with open(f"/proc/{process.pid}/status", encoding="utf-8") as status:
            memory = next(line.split()[1] for line in status if line.startswith("VmRSS"))
    _tenure.report(bench="pages", accounts=ACCOUNTS, months=MONTHS, simulate_and_import_s=round(imported, 1), figures_current_after_s=round(settled, 1), rss_mb=int(memory) // 1024, **figures)


main()
