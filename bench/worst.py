"""The worst that a person can ask in SQL: how soon it is stopped, what memory it takes, and what it does to ingest beside it (RELIABILITY D4).

Base and load alternate: while the worst queries run one after the other, events come in one by one over 64 connections as fast as they are taken,
as they do in the base (RELIABILITY I1), and the ratios of rates and of 99th percentiles are reported with their ranges.
"""

import http.client
import json
import multiprocessing
import os
import sys
import threading
import time

import _tenure
from _load import load

PAIRS = int(os.environ.get("BENCH_PAIRS", "5"))
ACCOUNTS = int(os.environ.get("BENCH_ACCOUNTS", "1000"))
def steps(first, step, times):
    """A name of WITH made of the one before, and so on."""
    names = [f"t0 AS ({first})"] + [f"t{n} AS ({step.replace('@', f't{n - 1}')})" for n in range(1, times + 1)]
    return f"WITH {', '.join(names)} SELECT count(*) FROM t{times} WHERE length(x) > 3"


LONG = "(SELECT string_agg(properties, ',') AS t FROM events) a"
EIGHT = "\\1" * 8
WORST = {
    "every pair of events": "SELECT count(*) FROM events a CROSS JOIN events b WHERE a.properties < b.properties",
    "every triple of accounts, sorted": "SELECT a.account_id, b.account_id, c.account_id FROM accounts a, accounts b, accounts c ORDER BY 3, 2, 1",
    "groups of everything": "SELECT message_id, properties, count(*) FROM events GROUP BY 1, 2 ORDER BY 3, 1",
    "windows over everything": "SELECT row_number() OVER (ORDER BY properties, message_id), string_agg(properties, ',') OVER (ORDER BY occurred_at) FROM events",
    "recursion without an end": "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r",
    "a text that doubles": "SELECT length(repeat(repeat(repeat('x', 1000), 1000), 1000)) FROM events",
    "a pattern that explodes": "SELECT count(*) FROM events WHERE regexp_like(repeat('a', 5000), '(a+)+$')",
    "a text that doubles in a recursion": "WITH RECURSIVE r AS (SELECT 'ab' AS x UNION ALL SELECT x || x FROM r) SELECT max(length(x)) FROM r",
    "patterns in patterns": f"SELECT max(length(regexp_replace(regexp_replace(regexp_replace(properties, '(.)', '{EIGHT}', 'g'), '(.)', '{EIGHT}', 'g'), '(.)', '{EIGHT}', 'g'))) FROM events",
    "a pattern for each event": "SELECT count(*) FROM events WHERE regexp_like(properties, '(\\w{50}){' || (seq % 200 + 1) || '}')",
    "everything in one list": "SELECT array_agg(properties || message_id) FROM events",
    "everything in one text, for each event": f"SELECT max(length(upper(t))) FROM {LONG} CROSS JOIN events b",
    "a long text in many columns": "SELECT " + ", ".join(f"max(length(CASE WHEN n > {n} THEN t END))" for n in range(600)) + " FROM (SELECT repeat(properties, 200) AS t, seq AS n FROM events) u",
    "a long word in every row": f"SELECT max(length(CASE WHEN seq > 5 THEN '{'x' * 60_000}' ELSE properties END)) FROM events",
    "windows that keep everything": "SELECT max(n) FROM (SELECT max(properties) OVER (ORDER BY seq) AS n, sum(seq) OVER (PARTITION BY name) AS m, message_id FROM events) WHERE n <> message_id",
    "groups of long texts": "SELECT x, count(*) FROM (SELECT repeat(message_id, 100) AS x FROM events) GROUP BY x ORDER BY 2 LIMIT 3",
    "medians of everything": "SELECT median(seq), median(seq * 1.5), percentile_cont(seq, 0.3), approx_median(seq), median(account_no), count(DISTINCT properties) FROM events",
    "a trillion numbers": "SELECT sum(value) FROM generate_series(1, 1000000000000)",
    "a trillion numbers in a list": "SELECT range(0, 1000000000000)",
    "names that double": steps("SELECT properties AS x FROM events", "SELECT a.x FROM @ a JOIN @ b ON a.x = b.x", 30),
    "columns that double": steps("SELECT properties AS x FROM events", "SELECT CASE WHEN x > 'b' THEN x ELSE x || 'c' END AS x FROM @", 40),
    "as many tables as fit": "SELECT count(*) FROM " + ", ".join(f"accounts a{n}" for n in range(3_000)),
    "as many words as fit": "SELECT count(*) FROM events WHERE seq IN (" + ", ".join(str(n) for n in range(4_900)) + ")",
    "as deep as fits": "SELECT " + "(SELECT " * 8 + "1" + ")" * 8 + " FROM events WHERE " + "NOT (" * 16 + "seq > 1" + ")" * 16,
    "deeper than fits": "SELECT " + "(SELECT " * 30 + "1" + ")" * 30 + " FROM events WHERE " + "NOT (" * 50 + "seq > 1" + ")" * 50,
    "words of different lengths": "SELECT max(levenshtein(repeat(properties, 60), repeat(message_id, 150))) FROM events",
    "times in a long form": "SELECT max(length(to_char(occurred_at, repeat('%c', 1000)))) FROM events",
    "properties of long texts": "SELECT max(prop(repeat(properties, 500), 'none.of.these')) FROM events",
    "every pair on disk": "SELECT a.message_id, b.properties FROM events a JOIN events b ON a.account_no = b.account_no ORDER BY 2, 1",
    "an answer of many cells": "SELECT " + ", ".join(f"seq + {n} AS c{n}" for n in range(500)) + " FROM events",
    "what there is": "SELECT count(*) FROM information_schema.columns a, information_schema.columns b, information_schema.columns c, information_schema.columns d",
    "the plan of all that": "EXPLAIN VERBOSE " + "SELECT count(*) FROM " + " JOIN ".join(f"events e{n}" + (f" ON e{n}.seq = e0.seq" if n else "") for n in range(60)),
}


def rss(process):
    with open(f"/proc/{process.pid}/status", encoding="utf-8") as text:
        return next(int(line.split()[1]) for line in text if line.startswith("VmRSS:")) / 1024


def nuisance(address, key, stop):
    """Asks the worst over and over, in a process of its own: what it does with the answers must not hold up those who measure."""
    while not stop.is_set():
        for name in WORST:
            if not stop.is_set():
                ask(address, key, name, read=False)


def ask(address, key, name, read=True):
    """Seconds until the answer, and what it says."""
    line = http.client.HTTPConnection(address.removeprefix("http://"), timeout=120)
    start = time.perf_counter()
    line.request("POST", "/api/v1/sql", json.dumps({"query": WORST[name], "limit": 100_000}), {"authorization": f"Bearer {key}", "content-type": "application/json"})
    answer = line.getresponse()
    if not read:
        while answer.read(1 << 20):
            pass
        return None
    said = json.loads(answer.read())
    return time.perf_counter() - start, answer.status, wrong(said)


def wrong(said):
    return (said.get("errors") or [{}])[0].get("problem") or said.get("detail", "answered")


def ingest(address, key):
    """Events a second, and the 99th percentile of their answers in milliseconds."""
    run = load(address, key, 1)
    return run["requests"] / run["seconds"], run["p99_ms"]


def main():
    with _tenure.server(accounts=ACCOUNTS, months=24) as (address, data, process):
        read = _tenure.tenure("key", "add", "reader", "--scope", "read", data=data)
        write = _tenure.tenure("key", "add", "writer", "--scope", "ingest", data=data)
        before, peak, high, going = rss(process), [0.0], [0.0], [True]

        def watch():
            while going[0]:
                now = rss(process)
                peak[0], high[0] = max(peak[0], now), max(high[0], now)
                time.sleep(0.02)

        watcher = threading.Thread(target=watch)
        watcher.start()
        single = {}
        for name in WORST:
            floor = rss(process)
            peak[0] = max(peak[0], floor)
            high[0] = floor
            took, status, said = ask(address, read, name)
            single[name] = {"s": round(took, 2), "status": status, "mb": round(high[0] - floor), "said": said[:160]}
            print(name, single[name], file=sys.stderr)
        bases, loads = [], []
        ingest(address, write)  # the first one finds nothing ready
        for _ in range(PAIRS):
            bases.append(ingest(address, write))
            stop = multiprocessing.Event()
            other = multiprocessing.Process(target=nuisance, args=(address, read, stop))
            other.start()
            time.sleep(1)
            loads.append(ingest(address, write))
            stop.set()
            other.join()
        going[0] = False
        watcher.join()
    pairs = list(zip(bases, loads))
    rates = [with_queries[0] / alone[0] for alone, with_queries in pairs]
    ratios = [with_queries[1] / alone[1] for alone, with_queries in pairs]
    _tenure.report(
        bench="worst",
        accounts=ACCOUNTS,
        queries=single,
        slowest_s=max(q["s"] for q in single.values()),
        memory_mb=round(peak[0] - before),
        ingest_events_per_s=[round(_tenure.percentile([one[0] for one in runs], 0.5)) for runs in (bases, loads)],
        ingest_p99_ms=[round(_tenure.percentile([one[1] for one in runs], 0.5), 1) for runs in (bases, loads)],
        ingest_rate_ratio=round(_tenure.percentile(rates, 0.5), 2),
        ingest_rate_ratio_range=[round(min(rates), 2), round(max(rates), 2)],
        ingest_p99_ratio=round(_tenure.percentile(ratios, 0.5), 2),
        ingest_p99_ratio_range=[round(min(ratios), 2), round(max(ratios), 2)],
        goal={"slowest_s": 30, "memory_mb": 512, "ingest_p99_ratio": 2},
    )


main()
