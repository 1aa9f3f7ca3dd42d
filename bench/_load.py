"""Events over 64 connections, as fast as they are taken, by `wrk`."""

import base64
import json
import os
import shutil
import subprocess
import sys

import _tenure

SECONDS = float(os.environ.get("BENCH_SECONDS", "10"))


def load(address, key, batch):
    """What `wrk` with 64 connections measures, for BENCH_SECONDS."""
    if not shutil.which("wrk"):
        sys.exit("this bench needs wrk: install it (Debian: apt-get install wrk)")
    head = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
    env = {**os.environ, "BENCH_BATCH": str(batch), "BENCH_AUTHORIZATION": head}
    script = str(_tenure.ROOT / "bench/ingest.lua")
    command = ["wrk", "--threads", "2", "--connections", "64", "--duration", f"{SECONDS:.0f}s", "--timeout", "10s", "--script", script, address]
    done = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    return json.loads(done.stderr.strip().splitlines()[-1])
