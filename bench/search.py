"""How long the palette waits for what is being typed, over BENCH_ACCOUNTS accounts (100,000) with a contact each, warm and while accounts change."""

import json
import os
import random
import time
import urllib.parse
import urllib.request
from base64 import b64encode

import _tenure

ACCOUNTS = int(os.environ.get("BENCH_ACCOUNTS", "100000"))
RUNS = int(os.environ.get("BENCH_RUNS", "300"))
WORDS = "North South Harbor Cedar River Stone Maple Summit Valley Lake Bright Union Saint Green Silver Oak Clear Grand Prairie Mercy".split()
KINDS = "Clinic Hospital Health Care Dental Pediatrics Orthopedics Medical Group Family Practice Surgery Center".split()
FIRST = "Ann Ben Carla Dan Eva Frank Gina Hugo Iris Jon Kate Leo Mia Nora Owen Paul Quinn Rosa Sam Tina".split()


def send(address, key, batch):
    request = urllib.request.Request(
        address + "/v1/batch",
        json.dumps({"batch": batch}).encode(),
        {"content-type": "application/json", "authorization": "Basic " + b64encode(f"{key}:".encode()).decode()},
    )
    urllib.request.urlopen(request).close()


def people(number, rng):
    name = f"{rng.choice(WORDS)} {rng.choice(KINDS)} {number}"
    person = f"{rng.choice(FIRST)} {rng.choice(WORDS)}son{number}"
    mail = person.lower().replace(" ", ".") + "@example.org"
    return [
        {"type": "group", "userId": f"u{number}", "groupId": f"acc-{number:06}", "traits": {"name": name}},
        {"type": "identify", "userId": f"u{number}", "traits": {"name": person, "email": mail}, "context": {"groupId": f"acc-{number:06}"}},
    ]


def timed(address, key, typed):
    start = time.perf_counter()
    answer = _tenure.get(address, "/api/v1/search?q=" + urllib.parse.quote(typed), key)
    took = (time.perf_counter() - start) * 1000
    assert len(answer["accounts"]) <= 6 and len(answer["contacts"]) <= 6
    return took, len(answer["accounts"]) + len(answer["contacts"])


def main():
    rng = random.Random(1)
    with _tenure.server() as (address, data, _process):
        write = _tenure.tenure("key", "add", "bench", "--scope", "ingest", data=data).split()[-1]
        read = _tenure.tenure("key", "add", "reader", "--scope", "read", data=data).split()[-1]
        for first in range(0, ACCOUNTS, 200):
            send(address, write, [call for number in range(first, min(first + 200, ACCOUNTS)) for call in people(number, rng)])
        _tenure.settled(address, read)
        typed = []
        for _ in range(RUNS):
            text = rng.choice([rng.choice(WORDS), f"acc-{rng.randrange(ACCOUNTS):06}", f"{rng.choice(FIRST)} {rng.choice(WORDS)}", "zzz no such"])
            typed.append(text[: rng.randint(1, len(text))])
        warm = [timed(address, read, text) for text in typed]
        changing = []
        for number, text in enumerate(typed[: RUNS // 3]):
            send(address, write, people(ACCOUNTS + number, rng))
            changing.append(timed(address, read, text)[0])
        times = [took for took, _ in warm]
        _tenure.report(
            accounts=ACCOUNTS,
            found_share=round(sum(found > 0 for _, found in warm) / len(warm), 2),
            warm_p50_ms=round(_tenure.percentile(times, 0.5), 1),
            warm_p95_ms=round(_tenure.percentile(times, 0.95), 1),
            changing_p95_ms=round(_tenure.percentile(changing, 0.95), 1),
            changing_max_ms=round(max(changing), 1),
        )


main()
