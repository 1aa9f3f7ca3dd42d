"""What can be known at all: the learners against the true hazard of a simulated company, which only the simulation knows (`truth.csv`).

    python bench/hazard.py

The simulated accounts decide to leave with a weekly intensity that only the simulation knows; the decision shows as a notice or at once as an
end. So the outcome here is "gives notice or leaves within 90 days" of accounts that have not given notice; it is added to a copy of the
program. Both learners are tested on month ends by the product itself, and the AUC of the true hazard of the cutoff's month is taken on the
same rows. Beside it the back-test of `health` against its baselines: AUC by method, and the lower end of the transparent score's advantage.
BENCH_ACCOUNTS, BENCH_MONTHS, BENCH_SEED say how large; needs `pip install pandas scikit-learn`. One JSON line.
"""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pandas as pd
from sklearn.metrics import roc_auc_score

import _tenure

ACCOUNTS = os.environ.get("BENCH_ACCOUNTS", "3000")
MONTHS = os.environ.get("BENCH_MONTHS", "24")
SEED = os.environ.get("BENCH_SEED", "1")
# Whoever has given notice in the last 60 days has decided already.
OUTCOME = (
    '  - {id: decision, label: Decides to leave, kind: event, events: [churn_notice, churned], horizon: 90d, '
    'among: "days_since_churn_notice IS NULL OR days_since_churn_notice > 60", description: "Notice or end."}\n'
)


def main():
    with tempfile.TemporaryDirectory(prefix="tenure-bench-") as folder:
        folder = Path(folder)
        program, company, data, file = folder / "program", folder / "company", str(folder / "data"), str(folder / "rows.csv")
        shutil.copytree(_tenure.ROOT / "programs/medtrainer", program)
        scores = program / "scores.yaml"
        scores.write_text(scores.read_text().replace("outcomes:\n", "outcomes:\n" + OUTCOME, 1))
        size = ["--accounts", ACCOUNTS, "--months", MONTHS, "--seed", SEED]
        subprocess.run([_tenure.binary(), "simulate", *size, "--out", str(company)], check=True, capture_output=True)
        _tenure.tenure("program", "apply", str(program), data=data)
        _tenure.tenure("import", str(company), data=data)
        found = json.loads(_tenure.tenure("backtest", "decision", "--rows", file, "--format", "json", data=data))
        health = json.loads(_tenure.tenure("backtest", "health", "--format", "json", data=data))["report"]
        rows, truth = pd.read_csv(file), pd.read_csv(company / "truth.csv")
    rows["month"] = rows.cutoff.str[:7]
    rows = rows[rows.tested == 1].merge(truth, on=["account_id", "month"])
    # Open notices have no hazard: what they will do is decided.
    rows = rows[(rows.notice == 0) & (rows.decided == 0) & rows["risk.transparent"].notna()]
    true = roc_auc_score(rows.outcome, rows.hazard)
    line = {"accounts": int(ACCOUNTS), "months": int(MONTHS), "seed": int(SEED), "rows": len(rows), "outcomes": int(rows.outcome.sum()), "true_hazard": round(true, 4)}
    for method in ("transparent", "challenger"):
        auc = roc_auc_score(rows.outcome, rows[f"risk.{method}"])
        line[method], line[f"{method}_below"] = round(auc, 4), round(true - auc, 4)
    line["proven"] = found["report"]["proven"]
    line["health"] = {method["id"]: round(method["auc"]["value"], 4) for method in health["methods"]}
    pairs = {pair["second"]: pair["difference"]["low"] for pair in health["paired"] if pair["first"] == "transparent"}
    line["transparent_above"] = {id: round(low, 4) for id, low in pairs.items()}
    print(json.dumps(line))


if __name__ == "__main__":
    main()
