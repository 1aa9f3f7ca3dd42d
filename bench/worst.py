"""The worst that a person can ask in SQL: how soon it is stopped, what memory it takes, and what it does to ingest beside it (RELIABILITY D4).

Base and load alternate: while the worst queries run one after the other, events come in one by one, as they do in the base, and the ratio of the
99th percentiles is reported with its range.
"""

import base64
import http.client
import json
import os
import threading
import time

import _tenure

SECONDS = float(os.environ.get("BENCH_SECONDS", "10"))
PAIRS = int(os.environ.get("BENCH_PAIRS", "5"))
ACCOUNTS = int(os.environ.get("BENCH_ACCOUNTS", "1000"))
RATE = 200
THREADS = 8
WORST = {
    "every pair of events": "SELECT count(*) FROM events a CROSS JOIN events b WHERE a.properties < b.properties",
    "every triple of accounts, sorted": "SELECT a.account_id, b.account_id, c.account_id FROM accounts a, accounts b, accounts c ORDER BY 3, 2, 1",
    "groups of everything": "SELECT message_id, properties, count(*) FROM events GROUP BY 1, 2 ORDER BY 3, 1",
    "windows over everything": "SELECT row_number() OVER (ORDER BY properties, message_id), string_agg(properties, ',') OVER (ORDER BY occurred_at) FROM events",
    "recursion without an end": "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r",
    "a text that doubles": "SELECT length(repeat(repeat(repeat('x', 1000), 1000), 1000)) FROM events",
    "a pattern that explodes": "SELECT count(*) FROM events WHERE regexp_like(repeat('a', 5000), '(a+)+$')",
}


def rss(process):
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as text:
        return next(int(line.split()[1]) for line in text if line.startswith("VmRSS:")) / 1024


def sender(address, key, until, number, times):
    line = http.client.HTTPConnection(address.removeprefix("http://"))
    head = {"authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode(), "content-type": "application/json"}
    due, sent = time.perf_counter() + number / RATE, 0
    while due < until:
        time.sleep(max(0.0, due - time.perf_counter()))
        sent += 1
        event = {"event": "login", "userId": f"c-{sent % 500}", "messageId": f"{time.time_ns()}-{number}", "context": {"groupId": f"a-{sent % 100}"}}
        start = time.perf_counter()
        line.request("POST", "/v1/track", json.dumps(event), head)
        line.getresponse().read()
        times.append(time.perf_counter() - start)
        due += THREADS / RATE


def ask(address, key, name):
    """Seconds until the answer, and what it says."""
    line = http.client.HTTPConnection(address.removeprefix("http://"), timeout=120)
    start = time.perf_counter()
    line.request("POST", "/api/v1/sql", json.dumps({"query": WORST[name]}), {"authorization": f"Bearer {key}", "content-type": "application/json"})
    answer = line.getresponse()
    said = json.loads(answer.read())
    return time.perf_counter() - start, answer.status, said.get("detail", "answered")


def ingest(address, key):
    times, until = [], time.perf_counter() + SECONDS
    tasks = [threading.Thread(target=sender, args=(address, key, until, n, times)) for n in range(THREADS)]
    for task in tasks:
        task.start()
    for task in tasks:
        task.join()
    return _tenure.percentile(times, 0.99) * 1000


def main():
    with _tenure.server(accounts=ACCOUNTS, months=24) as (address, data, process):
        read = _tenure.tenure("key", "add", "reader", "--scope", "read", data=data)
        write = _tenure.tenure("key", "add", "writer", "--scope", "ingest", data=data)
        before, peak, going = rss(process), [0.0], [True]

        def watch():
            while going[0]:
                peak[0] = max(peak[0], rss(process))
                time.sleep(0.02)

        watcher = threading.Thread(target=watch)
        watcher.start()
        alone = {}
        for name in WORST:
            took, status, said = ask(address, read, name)
            alone[name] = {"s": round(took, 2), "status": status, "said": said[:160]}
        ratios = []
        for _ in range(PAIRS):
            base, stop = ingest(address, write), threading.Event()

            def nuisance():
                while not stop.is_set():
                    for name in WORST:
                        if not stop.is_set():
                            ask(address, read, name)

            other = threading.Thread(target=nuisance)
            other.start()
            ratios.append(ingest(address, write) / base)
            stop.set()
            other.join()
        going[0] = False
        watcher.join()
    _tenure.report(
        bench="worst",
        accounts=ACCOUNTS,
        queries=alone,
        slowest_s=max(q["s"] for q in alone.values()),
        memory_mb=round(peak[0] - before),
        ingest_p99_ratio=round(_tenure.percentile(ratios, 0.5), 2),
        ingest_p99_ratio_range=[round(min(ratios), 2), round(max(ratios), 2)],
        goal={"slowest_s": 30, "memory_mb": 512, "ingest_p99_ratio": 2},
    )


main()
