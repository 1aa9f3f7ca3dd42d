"""Durable ingest: events a second in batches of 100 and one by one, beside the floor that the disk allows in the same run.

The floor is what one connection of the embedded database commits in transactions of 100 rows with synchronous = FULL.
"""

import base64
import http.client
import json
import os
import sqlite3
import tempfile
import threading
import time
import uuid

import _tenure

SECONDS = float(os.environ.get("BENCH_SECONDS", "10"))
THREADS = int(os.environ.get("BENCH_THREADS", "16"))


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


def event(number):
    return {
        "type": "track",
        "event": "login",
        "userId": f"c-{number % 500}",
        "messageId": str(uuid.uuid4()),
        "context": {"groupId": f"a-{number % 100}"},
        "properties": {"padding": "x" * 700},
    }


def send(address, key, batch, until, counts, times):
    host = address.removeprefix("http://")
    line = http.client.HTTPConnection(host)
    head = {"authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode(), "content-type": "application/json"}
    number = 0
    while time.perf_counter() < until:
        if batch == 1:
            path, body = "/v1/track", json.dumps(event(number))
        else:
            path, body = "/v1/batch", json.dumps({"batch": [event(number + i) for i in range(batch)]})
        start = time.perf_counter()
        line.request("POST", path, body, head)
        answer = line.getresponse()
        answer.read()
        if answer.status == 200:
            counts.append(batch)
            times.append(time.perf_counter() - start)
        number += batch


def rate(address, key, batch):
    counts, times, start = [], [], time.perf_counter()
    threads = [threading.Thread(target=send, args=(address, key, batch, start + SECONDS, counts, times)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - start), _tenure.percentile(times, 0.99) * 1000


def main():
    with _tenure.server() as (address, data, _):
        key = _tenure.tenure("key", "add", "bench", "--scope", "ingest", data=data)
        single, single_p99 = rate(address, key, 1)
        batched, batched_p99 = rate(address, key, 100)
    lowest = floor()
    _tenure.report(
        bench="ingest",
        single_events_per_s=round(single),
        single_p99_ms=round(single_p99, 1),
        batch_100_events_per_s=round(batched),
        batch_100_p99_ms=round(batched_p99, 1),
        floor_100_rows_per_s=round(lowest),
        batch_to_floor=round(batched / lowest, 3),
        note="the client's threads share the machine's cores with the server",
    )


main()
