"""A flood of sign-ins: what 200 a second, each from another address and for another account, do to everybody else's requests.

Base and flood alternate; each pair gives the ratio of the 99th percentiles of other requests, and the median of the ratios is reported with its
range. Every request of the flood asks for a password check; the server checks few at a time and answers 429 to what would wait too long.
"""

import http.client
import json
import os
import threading
import time

import _tenure

SECONDS = float(os.environ.get("BENCH_SECONDS", "8"))
PAIRS = int(os.environ.get("BENCH_PAIRS", "5"))
SIGN_INS = 200
READS = 50
THREADS = 64


def paced(rate, until, number, of, act):
    """Calls `act` at this thread's share of the rate; a late call does not wait for its turn, and none begins after the end."""
    step, due = of / rate, time.perf_counter() + number / rate
    while due < until and time.perf_counter() < until:
        time.sleep(max(0.0, due - time.perf_counter()))
        act()
        due += step


def reader(address, key, until, number, of, times):
    line = http.client.HTTPConnection(address.removeprefix("http://"))
    head = {"authorization": f"Bearer {key}"}
    paths = ["/api/v1/accounts?limit=50", "/api/v1/kpis", "/health/live", "/api/v1/session"]
    count = [number]

    def act():
        count[0] += 1
        start = time.perf_counter()
        line.request("GET", paths[count[0] % 3], headers=head)
        line.getresponse().read()
        times.append(time.perf_counter() - start)

    paced(READS, until, number, of, act)


def intruder(address, until, number, of, seen):
    line = http.client.HTTPConnection(address.removeprefix("http://"))
    count = [0]

    def act():
        count[0] += 1
        who = number * 1_000_003 + count[0]
        head = {"content-type": "application/json", "x-forwarded-for": f"10.{who >> 16 & 255}.{who >> 8 & 255}.{who & 255}"}
        body = json.dumps({"email": f"u{who}@example.com", "password": f"a wrong password {who}"})
        line.request("POST", "/api/v1/session", body, head)
        answer = line.getresponse()
        answer.read()
        seen.append(answer.status)

    paced(SIGN_INS, until, number, of, act)


def measure(address, key, flood):
    """The 99th percentile of reads in milliseconds, and the statuses of the flood."""
    times, seen, until = [], [], time.perf_counter() + SECONDS
    tasks = [threading.Thread(target=reader, args=(address, key, until, n, 4, times)) for n in range(4)]
    if flood:
        tasks += [threading.Thread(target=intruder, args=(address, until, n, THREADS, seen)) for n in range(THREADS)]
    for task in tasks:
        task.start()
    for task in tasks:
        task.join()
    return _tenure.percentile(times, 0.99) * 1000, seen


def memory(process):
    with open(f"/proc/{process.pid}/status") as text:
        for line in text:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def main():
    with _tenure.server(accounts=int(os.environ.get("BENCH_ACCOUNTS", "400")), serve=["--trust-proxy"]) as (address, data, process):
        key = _tenure.tenure("key", "add", "bench", "--scope", "read", data=data)
        measure(address, key, flood=False)
        before, pairs, statuses = memory(process), [], {}
        for _ in range(PAIRS):
            base, _ = measure(address, key, flood=False)
            flooded, seen = measure(address, key, flood=True)
            pairs.append((flooded / base, base, flooded))
            for status in seen:
                statuses[status] = statuses.get(status, 0) + 1
        after = memory(process)
    pairs.sort()
    ratio, base, flooded = pairs[len(pairs) // 2]
    _tenure.report(
        bench="signin",
        sign_ins_per_s=round(sum(statuses.values()) / (PAIRS * SECONDS)),
        base_p99_ms=round(base, 1),
        flood_p99_ms=round(flooded, 1),
        ratio=round(ratio, 2),
        ratio_from=round(pairs[0][0], 2),
        ratio_to=round(pairs[-1][0], 2),
        goal=1.5,
        statuses={str(status): count for status, count in sorted(statuses.items())},
        memory_growth_mb=round(after - before),
        binary=os.path.basename(os.path.dirname(_tenure.binary())),
    )


main()
