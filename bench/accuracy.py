"""How good the learner is beside LightGBM and scikit-learn: the same rows, the same folds, the same run.

    python bench/accuracy.py DATA [--tenure target/debug/tenure] [--draws 12]

DATA holds `telco/` with `telco_customer_churn.csv` and `folds.csv` and, for the negative control, `ravenstack/accounts.csv`.
Needs `pip install lightgbm scikit-learn pandas`. Prints tables in Markdown; docs/accuracy.md holds those of one run.
"""

import argparse
import json
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SMALL = dict(
    n_estimators=300, learning_rate=0.03, num_leaves=8, min_child_samples=40, reg_lambda=5, subsample=0.8,
    subsample_freq=1, colsample_bytree=0.6, verbose=-1, n_jobs=1, random_state=1,
)


def telco(folder: Path) -> pd.DataFrame:
    """The Telco rows with their fold and a hand-set score: three red/yellow/green measures with round weights."""
    rows = pd.read_csv(folder / "telco_customer_churn.csv").merge(pd.read_csv(folder / "folds.csv"), on="customerID")
    rows["TotalCharges"] = pd.to_numeric(rows.TotalCharges, errors="coerce")
    age = np.where(rows.tenure < 6, 0, np.where(rows.tenure < 24, 50, 100))
    care = np.where(rows.TechSupport == "No", 0, np.where(rows.OnlineSecurity == "No", 50, 100))
    price = np.where(rows.MonthlyCharges > 80, 0, np.where(rows.MonthlyCharges > 40, 50, 100))
    rows["hand_set"] = 0.5 * age + 0.3 * care + 0.2 * price
    return rows


def ours(tenure: str, rows: pd.DataFrame, *more: str) -> dict:
    """The report of `tenure model evaluate`; the rows go through a file, as a user's would."""
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        rows.to_csv(file.name, index=False)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        start = time.perf_counter()
        command = [tenure, "model", "evaluate", file.name, "--format", "json", *more]
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        if found.returncode:
            raise SystemExit(found.stderr)
        report = json.loads(found.stdout)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    report["wall"] = time.perf_counter() - start
    report["cpu"] = after.ru_utime - before.ru_utime
    return report


def ece(p: np.ndarray, y: np.ndarray) -> float:
    parts = np.array_split(np.argsort(p, kind="stable"), 10)
    return sum(len(part) * abs(p[part].mean() - y[part].mean()) for part in parts) / len(p)


def theirs(rows: pd.DataFrame) -> list[dict]:
    """LightGBM (small and default) and logistic regression on one-hot columns, over the given folds."""
    y = (rows.Churn == "Yes").to_numpy().astype(int)
    x = pd.get_dummies(rows.drop(columns=["customerID", "Churn", "fold", "hand_set"]), dtype=float)
    x.columns = [f"c{at}" for at in range(x.shape[1])]
    makers = {
        "LightGBM small": lambda: lightgbm.LGBMClassifier(**SMALL),
        "LightGBM default": lambda: lightgbm.LGBMClassifier(verbose=-1, n_jobs=1, random_state=1),
        "scikit-learn logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)),
    }
    lines = []
    for name, make in makers.items():
        p, cpu = np.zeros(len(y)), 0.0
        for fold in sorted(rows.fold.unique()):
            train, test = (rows.fold != fold).to_numpy(), (rows.fold == fold).to_numpy()
            start = time.process_time()
            median = x[train].median()
            model = make().fit(x[train].fillna(median) if "logistic" in name else x[train], y[train])
            cpu += time.process_time() - start
            p[test] = model.predict_proba(x[test].fillna(median) if "logistic" in name else x[test])[:, 1]
        lines.append(
            dict(method=name, auc=roc_auc_score(y, p), pr_auc=average_precision_score(y, p), log_loss=log_loss(y, p),
                 brier=brier_score_loss(y, p), ece=ece(p, y), seconds=cpu)
        )
    return lines


def show(title: str, lines: list[dict]) -> None:
    print(f"\n{title}\n\n| method | AUC | PR-AUC | log-loss | Brier | ECE | seconds, all folds |\n|---|---|---|---|---|---|---|")
    for line in lines:
        figures = " | ".join(f"{line[key]:.4f}" for key in ("auc", "pr_auc", "log_loss", "brier", "ece"))
        interval = f" ({line['auc_low']:.3f}–{line['auc_high']:.3f})" if "auc_low" in line else ""
        head, rest = figures.split(" | ", 1)
        print(f"| {line['method']} | {head}{interval} | {rest} | {line['seconds']:.2f} |")


def few(tenure: str, rows: pd.DataFrame, draws: int) -> None:
    """Mean AUC of some draws of few training rows, tested on 3,000 others; the two sides are told apart as times 0 and 1."""
    print("\n| training rows | transparent | transparent with the hand-set score | logistic | challenger | LightGBM small |\n|---|---|---|---|---|---|")
    for size in (150, 300, 600):
        sums: dict[str, list[float]] = {}
        for draw in range(draws):
            order = np.random.default_rng(draw).permutation(len(rows))
            part = rows.iloc[np.concatenate([order[:size], order[-3000:]])].copy()
            part["side"] = [0] * size + [1] * 3000
            common = ["--target", "Churn", "--positive", "Yes", "--ignore", "customerID", "--ignore", "fold", "--time", "side", "--split", "1"]
            for key, more in (("", ["--ignore", "hand_set"]), (" hand", ["--hand-set", "hand_set"])):
                for method in ours(tenure, part, *common, *more)["methods"]:
                    sums.setdefault(method["method"] + key, []).append(method["auc"])
            y = (part.Churn == "Yes").to_numpy().astype(int)
            x = pd.get_dummies(part.drop(columns=["customerID", "Churn", "fold", "hand_set", "side"]), dtype=float)
            x.columns = [f"c{at}" for at in range(x.shape[1])]
            model = lightgbm.LGBMClassifier(**SMALL).fit(x[:size], y[:size])
            sums.setdefault("lightgbm", []).append(roc_auc_score(y[size:], model.predict_proba(x[size:])[:, 1]))
        keys = ("transparent", "transparent hand", "logistic", "challenger", "lightgbm")
        print(f"| {size} | " + " | ".join(f"{np.mean(sums[key]):.4f}" for key in keys) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--tenure", default="target/debug/tenure")
    parser.add_argument("--draws", type=int, default=12)
    args = parser.parse_args()
    rows = telco(args.data / "telco")
    common = ["--target", "Churn", "--positive", "Yes", "--ignore", "customerID"]
    report = ours(args.tenure, rows, *common, "--fold-column", "fold", "--hand-set", "hand_set")
    show("Telco, the given folds, with the hand-set score", report["methods"])
    ratio = report["skill_ratio"]
    print(f"\nskill of the transparent score ÷ skill of the hand-set one: {ratio['value']:.2f} ({ratio['low']:.2f}–{ratio['high']:.2f})")
    report = ours(args.tenure, rows, *common, "--fold-column", "fold", "--ignore", "hand_set")
    show("Telco, the given folds", report["methods"] + theirs(rows))
    print(f"\nwhole command: {report['wall']:.1f} s, {report['cpu']:.1f} CPU seconds; {report['verdict']}: {report['reason']}")
    if args.draws:
        few(args.tenure, rows, args.draws)
    control = args.data / "ravenstack" / "accounts.csv"
    if control.exists():
        report = ours(args.tenure, pd.read_csv(control), "--target", "churn_flag", "--positive", "True",
                      "--ignore", "account_id", "--ignore", "account_name")
        show("RavenStack's accounts, five seeded folds", report["methods"])
        print(f"\n{report['verdict']}: {report['reason']}")


if __name__ == "__main__":
    main()
