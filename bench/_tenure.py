"""Starts a Tenure for a bench: a folder and a port of its own, ended with the bench."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def binary():
    """The release binary, or the one that TENURE_BINARY names."""
    return os.environ.get("TENURE_BINARY", str(ROOT / "target/release/tenure"))


def tenure(*args, data):
    """Runs a command and gives what it prints."""
    done = subprocess.run([binary(), *args, "--data", data], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@contextmanager
def server(accounts=0, months=12, seed=1, serve=()):
    """A running server with the program medtrainer and, with `accounts`, a simulated company worked in. Gives address, folder and process."""
    with tempfile.TemporaryDirectory(prefix="tenure-bench-") as folder:
        data = os.path.join(folder, "data")
        tenure("program", "apply", str(ROOT / "programs/medtrainer"), data=data)
        process = subprocess.Popen([binary(), "serve", "--data", data, "--listen", "127.0.0.1:0", *serve], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            address = wait_for_address(process)
            if accounts:
                company = os.path.join(folder, "company")
                subprocess.run([binary(), "simulate", "--accounts", str(accounts), "--months", str(months), "--seed", str(seed), "--out", company], check=True, capture_output=True)
                tenure("import", company, data=data)
            yield address, data, process
        finally:
            process.terminate()
            process.wait()


@contextmanager
def serving(data):
    """A server on a folder that is there. Gives address, seconds until it was ready, and process."""
    begun = time.perf_counter()
    process = subprocess.Popen([binary(), "serve", "--data", data, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        address = wait_for_address(process)
        while True:
            try:
                urllib.request.urlopen(address + "/health/ready").close()
                break
            except OSError:
                time.sleep(0.005)
        ready = time.perf_counter() - begun
        # What the server says must be taken off, or it would wait for somebody who reads.
        threading.Thread(target=lambda: [None for _ in process.stderr], daemon=True).start()
        yield address, ready, process
    finally:
        process.terminate()
        process.wait()


def wait_for_address(process):
    for line in list_lines(process):
        for word in line.split():
            if word.startswith("http://127.0.0.1:"):
                return word.rstrip("/.,")
    raise RuntimeError("the server ended before it told its address")


def list_lines(process):
    import selectors

    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        selector.register(process.stderr, selectors.EVENT_READ)
        end = time.time() + 60
        while time.time() < end:
            for key, _ in selector.select(timeout=1):
                line = key.fileobj.readline()
                if line:
                    yield line


def get(address, path, key):
    request = urllib.request.Request(address + path, headers={"authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def call(address, path, key, body=None):
    """What an API answers: to a GET, or with `body` to a POST of it as JSON."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    request = urllib.request.Request(address + path, None if body is None else json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def settled(address, key):
    """Waits until every figure takes in what has happened, and gives the seconds."""
    start = time.perf_counter()
    while True:
        now = get(address, "/api/v1/metrics/progress", key)
        if now["up_to"] == now["newest"] and now["marked_months"] == 0 and now["total"] == 0:
            return time.perf_counter() - start
        time.sleep(0.1)


def percentile(values, share):
    """The value below which `share` of the sorted values lie."""
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def report(**figures):
    """One line for people and machines."""
    print(json.dumps(figures), flush=True)
    sys.stdout.flush()
