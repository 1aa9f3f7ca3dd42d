"""Everything anew from the log — every metric, segment, history and KPI month of two years — beside DuckDB doing the metrics' and KPIs' queries
on the same Parquet files in the same run. Also compares the figures one by one. Sizes by BENCH_ACCOUNTS, BENCH_MONTHS; needs `pip install duckdb pyyaml`.

The subject runs with its memory limited by the operating system (BENCH_MEMORY_MB, default 2048).
"""

import glob
import json
import os
import resource
import subprocess
import time
from datetime import date

import _company
import _tenure
from _peer import Peer

MEMORY = int(os.environ.get("BENCH_MEMORY_MB", "2048"))
PAIRS = int(os.environ.get("BENCH_PAIRS", "3"))


def group():
    """A memory group of the operating system whose processes may hold MEMORY, the files that they read included; None where none can be made."""
    for root, limit in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        folder = os.path.join(root, f"tenure-bench-{os.getpid()}")
        try:
            os.makedirs(folder, exist_ok=True)
            with open(os.path.join(folder, limit), "w", encoding="utf-8") as out:
                out.write(str(MEMORY << 20))
            return folder
        except OSError:
            continue
    return None


GROUP = group()


def limited():
    if GROUP:
        with open(os.path.join(GROUP, "cgroup.procs"), "w", encoding="utf-8") as out:
            out.write(str(os.getpid()))
    else:
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY << 20, MEMORY << 20))


def subject(data):
    """One full recompute: seconds for accounts, seconds for figures, peak of memory."""
    done = subprocess.Popen([_tenure.binary(), "recompute", "--data", data], stdout=subprocess.PIPE, text=True, preexec_fn=limited)
    text = done.stdout.read()
    _, status, usage = os.wait4(done.pid, 0)
    answer = json.loads(text)
    return answer, usage.ru_maxrss // 1024, status


def main():
    data, made = _company.folder()
    program = _tenure.ROOT / "programs/medtrainer"
    work = _company.tables(data)
    kept = json.loads(_tenure.tenure("sql", "SELECT count(*) AS n FROM events", "--format", "json", data=data))
    subject(data)  # seals what is not in files yet
    files = glob.glob(os.path.join(data, "lake", "**", "*.parquet"), recursive=True)
    figures = json.loads(_tenure.tenure("kpis", "--by", "segment", "--format", "json", data=data))
    today = date.fromisoformat(figures["as_of"])

    ours, theirs, peaks, ratios = [], [], [], []
    for _ in range(PAIRS):
        answer, peak, status = subject(data)
        ours.append((answer["accounts_s"], answer["figures_s"]))
        peaks.append(peak)
        peer = Peer(files, os.path.join(work, "spans.csv"), os.path.join(work, "accounts.csv"), program, today)
        start = time.perf_counter()
        peer.measure()
        middle = time.perf_counter()
        found = peer.figures()
        end = time.perf_counter()
        theirs.append((middle - start, end - middle))
        ratios.append((sum(ours[-1])) / (end - start))
        in_files = peer.db.execute("SELECT count(*) FROM events").fetchone()[0]
        peer.db.close()

    compared, differing = 0, []
    for line in figures["kpis"]:
        key = (line["kpi"], today, line["scope"])
        if key not in found:
            continue
        compared += 1
        for mine, other in zip((line["numerator"], line["denominator"]), found[key]):
            if abs((mine or 0) - other) > 1e-6 * max(1.0, abs(other)):
                differing.append((*map(str, key), mine, other))
                break
    _tenure.report(
        bench="recompute",
        accounts=_company.ACCOUNTS,
        months=_company.MONTHS,
        events=kept["rows"][0]["n"] if isinstance(kept["rows"][0], dict) else kept["rows"][0][0],
        events_in_files=in_files,
        made=made,
        tenure_s=[[round(a, 2), round(b, 2)] for a, b in ours],
        duckdb_s=[[round(a, 2), round(b, 2)] for a, b in theirs],
        tenure_to_duckdb=round(_tenure.percentile(ratios, 0.5), 2),
        tenure_to_duckdb_range=[round(min(ratios), 2), round(max(ratios), 2)],
        peak_mb=max(peaks),
        limit_mb=MEMORY,
        limited_by="memory group" if GROUP else "data segment",
        figures_differing_from_kept=answer["figures_differing"],
        accounts_differing_from_kept=answer["accounts_differing"],
        compared_with_duckdb=compared,
        differing_from_duckdb=differing[:10],
    )



try:
    main()
finally:
    if GROUP:
        os.rmdir(GROUP)
