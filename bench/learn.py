"""What learning costs: the trainings of a back-test, contributions, and one fit beside LightGBM's in the same run.

A synthetic table of BENCH_ROWS (100,000) rows a training and BENCH_COLUMNS (60) columns, a tenth of it missing, ten columns of which say
something and one in eight with the outcome. BENCH_CUTOFFS (5) trainings of the score set by hand, the transparent score and the challenger,
side by side as a back-test does them; then the contributions of all measures for every row. LightGBM (the challenger's settings, one thread)
is fitted to the same rows before and after. Needs `pip install lightgbm`. One JSON line; seconds.
"""

import json
import os
import subprocess
import time

import lightgbm
import numpy as np

import _tenure
from accuracy import SMALL

ROWS = int(os.environ.get("BENCH_ROWS", "100000"))
COLUMNS = int(os.environ.get("BENCH_COLUMNS", "60"))
CUTOFFS = int(os.environ.get("BENCH_CUTOFFS", "5"))


def table():
    """Columns of several shapes, and an outcome that some of them and one pair tell."""
    random = np.random.default_rng(1)
    # Each training leaves out one part, so that it has ROWS.
    count = ROWS * CUTOFFS // (CUTOFFS - 1)
    x = random.normal(size=(COLUMNS, count))
    x[1::3] = np.floor(np.exp(x[1::3]))
    risk = 0.5 * x[0] - 0.4 * np.minimum(x[1], 4) + 0.4 * np.abs(x[2]) + 0.6 * (x[3] > 1) + 0.3 * x[5] * (x[6] > 0) + 0.2 * x[8:14:2].sum(axis=0)
    y = random.random(count) < 1 / (1 + np.exp(2.1 - risk))
    x[random.random(x.shape) < 0.1] = np.nan
    return x, y.astype(float)


def theirs(x, y):
    """CPU seconds of one fit on the rows of the first training."""
    rows = np.arange(x.shape[1]) % CUTOFFS != 0
    plain, labels = np.ascontiguousarray(x[:, rows].T), y[rows]
    start = time.process_time()
    lightgbm.LGBMClassifier(**SMALL).fit(plain, labels)
    return time.process_time() - start


def main():
    build = ["cargo", "build", "--release", "--quiet", "--package", "tenure-learn", "--example", "speed"]
    program = os.environ.get("BENCH_SPEED") or str(_tenure.ROOT / "target/release/examples/speed")
    if "BENCH_SPEED" not in os.environ:
        subprocess.run(build, check=True, cwd=_tenure.ROOT)
    x, y = table()
    head = np.array([x.shape[1], COLUMNS, CUTOFFS], dtype="<u8").tobytes()
    before = theirs(x, y)
    done = subprocess.run([program], input=head + x.astype("<f8").tobytes() + y.astype("<f8").tobytes(), check=True, capture_output=True)
    after = theirs(x, y)
    own, peer = json.loads(done.stdout), (before + after) / 2
    ratios = {f"{name}_to_lightgbm": round(own["fit_s"][name] / peer, 2) for name in ("transparent", "challenger")}
    _tenure.report(rows=ROWS, columns=COLUMNS, trainings=CUTOFFS, **own, lightgbm_fit_s=[round(before, 2), round(after, 2)], **ratios)


if __name__ == "__main__":
    main()
