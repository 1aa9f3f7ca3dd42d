"""LightGBM beside the product's own learners on the product's own rows: the back-test writes its rows (`tenure backtest … --rows FILE`), and
LightGBM is trained at every cutoff on the same rows and measures, tested on the same accounts.

    python bench/rows.py DATA [retail|oulad …]

DATA holds `retail/` and `oulad/`. Needs `pip install lightgbm scikit-learn pandas`. TENURE_BINARY names another binary than the release build.
One JSON line for each set; docs/accuracy.md holds those of one run. LightGBM is not recalibrated, so the learners' figures before calibration
(`raw`) are those to compare; the calibrated ones stand beside.
"""

import json
import sys
import tempfile
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
from sklearn.metrics import log_loss, roc_auc_score

import _tenure
from accuracy import SMALL

RUNS = {
    "retail": ["--from", "2011-06-30", "--to", "2011-08-31"],
    "oulad": ["--from", "2014-03-01", "--to", "2014-06-21", "--every", "28d"],
}
SEGMENT = {"oulad": "spring_2014"}


def rows_of(name, data, folder):
    """The rows of the back-test of the program `name`, and its report."""
    program, here = str(_tenure.ROOT / "programs" / name), str(Path(folder) / name)
    _tenure.tenure("program", "apply", program, data=here)
    _tenure.tenure("import", str(data / name), "--map", program, data=here)
    file = str(Path(folder) / f"{name}.csv")
    found = json.loads(_tenure.tenure("backtest", "health", *RUNS[name], "--rows", file, "--format", "json", data=here))
    return pd.read_csv(file), found["report"]


def beside(rows, horizon):
    """LightGBM's probabilities of the tested rows, each cutoff from the rows whose horizon had passed by then."""
    columns = [column for column in rows if column.startswith("measure.") and rows[column].notna().any()]
    days = pd.to_datetime(rows.cutoff)
    said = pd.Series(np.nan, index=rows.index)
    for day in sorted(days[rows.tested == 1].unique()):
        train, test = days + pd.Timedelta(days=horizon) <= day, (days == day) & (rows.tested == 1)
        # Names hold what LightGBM does not take.
        plain = rows[columns].set_axis([f"c{at}" for at in range(len(columns))], axis=1)
        model = lightgbm.LGBMClassifier(**SMALL).fit(plain[train], rows.outcome[train])
        said[test] = model.predict_proba(plain[test])[:, 1]
    return said


def figures(rows, p):
    return {"auc": round(roc_auc_score(rows.outcome, p), 4), "log_loss": round(log_loss(rows.outcome, p), 4)}


def main():
    data = Path(sys.argv[1])
    for name in sys.argv[2:] or RUNS:
        with tempfile.TemporaryDirectory(prefix="tenure-bench-") as folder:
            rows, report = rows_of(name, data, folder)
        rows["lightgbm"] = beside(rows, report["horizon_days"])
        parts = {"all": rows.tested == 1}
        if name in SEGMENT:
            parts[SEGMENT[name]] = parts["all"] & (rows.segment == SEGMENT[name])
        for part, chosen in parts.items():
            own = rows[chosen]
            line = {"set": name, "rows_of": part, "rows": len(own), "lightgbm": figures(own, own.lightgbm)}
            for method in ("transparent", "challenger"):
                raw = 1 / (1 + np.exp(-own[f"raw.{method}"]))
                line[method] = {"raw": figures(own, raw), "calibrated": figures(own, own[f"probability.{method}"])}
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
