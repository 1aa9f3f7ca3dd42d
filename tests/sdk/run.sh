#!/usr/bin/env bash
# Sends events with stock SDKs to a running Tenure: only the host differs from what their documentation shows.
#
#   tests/sdk/run.sh TENURE_URL WRITE_KEY [RUN_ID]
#
# Prints one JSON line for each SDK: {"sdk", "run", "events", "account", "contact"}. Tenure must then hold exactly `events` events whose
# property `run` is `run`, all of the contact `contact` and the account `account` (also those sent before it was known who that is), and
# that contact of that account. `cargo xtask sdk` starts a Tenure, runs this and checks it.
# Fails when an SDK reports a failed delivery, or Tenure refuses a message.
set -euo pipefail
if [ $# -lt 2 ]; then
  echo "usage: $0 TENURE_URL WRITE_KEY [RUN_ID]" >&2
  exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
export TENURE_URL=${1%/} WRITE_KEY=$2 RUN_ID=${3:-run-$$}
cd "$here"

# Installed once for each set of pinned versions.
want=$(cat package-lock.json requirements.txt | sha256sum | cut -c1-16)
if [ "$(cat node_modules/.tenure-pin 2>/dev/null || true)" != "$want" ]; then
  npm ci --ignore-scripts --no-audit --no-fund >&2
  python3 -m venv .venv >&2
  .venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt >&2
  echo "$want" > node_modules/.tenure-pin
fi

.venv/bin/python segment_python.py
.venv/bin/python rudder_python.py
node segment_node.mjs
node rudder_node.mjs
node browser.mjs
