"""From an accepted event to its account's metric: how long until the API tells it, while 1,000 events a second come in on a base of BENCH_ACCOUNTS."""

import base64
import http.client
import json
import os
import threading
import time
import uuid

import _company
import _tenure

RATE = int(os.environ.get("BENCH_RATE", "1000"))
PROBES = int(os.environ.get("BENCH_PROBES", "200"))


def send(line, head, events):
    line.request("POST", "/v1/batch", json.dumps({"batch": events}), head)
    answer = line.getresponse()
    answer.read()
    return answer.status == 200


def event(account, name="feature_used"):
    return {"type": "track", "event": name, "userId": f"bench-{account}", "messageId": str(uuid.uuid4()), "context": {"groupId": account}, "properties": {"feature": "bench"}}


def flood(address, head, accounts, stop, sent):
    """Events over all accounts, 50 batches a second."""
    line, at, next_at = http.client.HTTPConnection(address), 0, time.perf_counter()
    while not stop.is_set():
        size = RATE // 50
        if send(line, head, [event(accounts[(at + i * 7919) % len(accounts)]) for i in range(size)]):
            sent.append(size)
        at += size
        next_at += 0.02
        time.sleep(max(0.0, next_at - time.perf_counter()))


def main():
    data, made = _company.folder()
    with _tenure.serving(data) as (address, started_s, process):
        read = _tenure.tenure("key", "add", f"bench-{uuid.uuid4()}", "--scope", "read", data=data)
        write = _tenure.tenure("key", "add", f"bench-{uuid.uuid4()}", "--scope", "ingest", data=data)
        head = {"authorization": "Basic " + base64.b64encode(f"{write}:".encode()).decode(), "content-type": "application/json"}
        rows = _company.ask(data, "SELECT account_id FROM accounts WHERE active LIMIT 20000")["rows"]
        accounts = [row["account_id"] if isinstance(row, dict) else row[0] for row in rows]
        host = address.removeprefix("http://")
        stop, sent, start = threading.Event(), [], time.perf_counter()
        noise = threading.Thread(target=flood, args=(host, head, accounts, stop, sent))
        noise.start()
        time.sleep(3)
        probe, ask, waits = http.client.HTTPConnection(host), http.client.HTTPConnection(host), []
        for number in range(PROBES):
            account = accounts[(number * 101) % len(accounts)]
            path = f"/api/v1/accounts?limit=1&q={account}&columns=logins_30d"

            def logins():
                ask.request("GET", path, headers={"authorization": f"Bearer {read}"})
                return json.load(ask.getresponse())["items"][0]["values"]["logins_30d"]

            before = logins()
            began = time.perf_counter()
            send(probe, head, [event(account, "login")])
            while logins() == before and time.perf_counter() - began < 30:
                time.sleep(0.005)
            waits.append((time.perf_counter() - began) * 1000)
        rate = sum(sent) / (time.perf_counter() - start)
        stop.set()
        noise.join()
    _tenure.report(bench="effect", accounts=_company.ACCOUNTS, made=made, started_s=round(started_s, 2), background_events_per_s=round(rate), p50_ms=round(_tenure.percentile(waits, 0.5)), p99_ms=round(_tenure.percentile(waits, 0.99)), worst_ms=round(max(waits)))


main()
