"""What the demo's health score is worth, whatever the day on which the demo is made: the simulated company ends the day before, so each day's
company is another one.

    python bench/days.py [DAY…]

For each day (the usual: the first of eight months) a company of the demo's size is simulated, imported and back-tested by the product itself:
the score set by hand against the frozen baseline, on the same rows. BENCH_ACCOUNTS, BENCH_MONTHS, BENCH_SEED say how large. One JSON line.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import _tenure

ACCOUNTS = os.environ.get("BENCH_ACCOUNTS", "560")
MONTHS = os.environ.get("BENCH_MONTHS", "18")
SEED = os.environ.get("BENCH_SEED", "1")
DAYS = [f"2026-{month:02}-01" for month in range(5, 13)]
# Everything that a score has to beat.
BASELINES = ["prior", "mrr", "tenure", "last_login", "baseline"]


def three(figure):
    return [round(figure[end], 4) for end in ("value", "low", "high")]


def made(day):
    with tempfile.TemporaryDirectory(prefix="tenure-bench-") as folder:
        company, data = Path(folder) / "company", str(Path(folder) / "data")
        size = ["--accounts", ACCOUNTS, "--months", MONTHS, "--seed", SEED, "--until", day]
        subprocess.run([_tenure.binary(), "simulate", *size, "--out", str(company)], check=True, capture_output=True)
        _tenure.tenure("program", "apply", str(_tenure.ROOT / "programs/medtrainer"), data=data)
        _tenure.tenure("import", str(company), data=data)
        report = json.loads(_tenure.tenure("backtest", "health", "--format", "json", data=data))["report"]
    auc = {method["id"]: method["auc"] for method in report["methods"]}
    pairs = {pair["second"]: pair["difference"] for pair in report["paired"] if pair["first"] == "score"}
    ratio = next(skill["ratio"] for skill in report["skill"] if skill["method"] == "score")
    return {
        "day": day,
        "outcomes": report["outcomes"],
        "score": three(auc["score"]),
        "baseline": round(auc["baseline"]["value"], 4),
        "above_baseline": three(pairs["baseline"]),
        "beaten": sum(pairs[id]["low"] > 0 for id in BASELINES),
        "skill_ratio": three(ratio) if ratio else None,
        "transparent": round(auc["transparent"]["value"], 4) if "transparent" in auc else None,
    }


def main():
    days = [made(day) for day in sys.argv[1:] or DAYS]
    every = sum(day["beaten"] == len(BASELINES) for day in days)
    print(json.dumps({"accounts": int(ACCOUNTS), "months": int(MONTHS), "seed": int(SEED), "all_beaten_on": f"{every} of {len(days)}", "days": days}))


if __name__ == "__main__":
    main()
