"""A simulated company, imported and measured once for several benches: `BENCH_ACCOUNTS` × `BENCH_MONTHS`, kept under `BENCH_CACHE` when that is set."""

import json
import os
import shutil
import subprocess
import tempfile
import time

import _tenure

ACCOUNTS = int(os.environ.get("BENCH_ACCOUNTS", "1000"))
MONTHS = int(os.environ.get("BENCH_MONTHS", "24"))
# 24 months of 100,000 accounts are then about 20 million events.
RATE = os.environ.get("BENCH_EVENTS_PER_ACCOUNT_MONTH", "8")


def folder():
    """The data folder and what making it took."""
    cache = os.environ.get("BENCH_CACHE")
    root = os.path.join(cache, f"{ACCOUNTS}x{MONTHS}x{RATE}") if cache else tempfile.mkdtemp(prefix="tenure-bench-")
    data, note = os.path.join(root, "data"), os.path.join(root, "made.json")
    if os.path.exists(note):
        with open(note, encoding="utf-8") as text:
            return data, json.load(text)
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(root)
    made, company = {}, os.path.join(root, "company")
    steps = {
        "apply_s": ["program", "apply", str(_tenure.ROOT / "programs/medtrainer"), "--data", data],
        "simulate_s": ["simulate", "--accounts", str(ACCOUNTS), "--months", str(MONTHS), "--events-per-account-month", RATE, "--out", company],
        "import_s": ["import", company, "--data", data],
        "measure_s": ["kpis", "--format", "json", "--data", data],
    }
    for name, command in steps.items():
        start = time.perf_counter()
        subprocess.run([_tenure.binary(), *command], check=True, stdout=subprocess.DEVNULL)
        made[name] = round(time.perf_counter() - start, 1)
    shutil.rmtree(company)
    with open(note, "w", encoding="utf-8") as text:
        json.dump(made, text)
    return data, made


def ask(data, sql):
    """What `tenure sql` answers."""
    return json.loads(_tenure.tenure("sql", sql, "--format", "json", data=data))


def tables(data):
    """Writes what the peer is given of the accounts as CSV, and tells the folder."""
    work = os.path.join(os.path.dirname(data), "peer")
    os.makedirs(work, exist_ok=True)
    wanted = {"spans": "account_no, from_day, to_day, active, mrr, segment, owner FROM account_spans", "accounts": "account_no, started_on, mrr, employees, seats, plan, industry, domain FROM accounts"}
    with _tenure.serving(data):
        for name, sql in wanted.items():
            with open(os.path.join(work, f"{name}.csv"), "w", encoding="utf-8") as out:
                for first in range(0, ACCOUNTS + 1, 10_000):
                    text = _tenure.tenure("sql", f"SELECT {sql} WHERE account_no >= {first} AND account_no < {first + 10_000}", "--format", "csv", "--limit", "100000", data=data)
                    head, _, rows = text.partition("\n")
                    out.write(f"{head}\n{rows}\n" if first == 0 else f"{rows}\n" if rows else "")
    return work
