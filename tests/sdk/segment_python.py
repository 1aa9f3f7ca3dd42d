"""Segment's Python SDK: only `host` is changed."""

import json
import os
import sys

import segment.analytics as analytics

failures = []
analytics.write_key = os.environ["WRITE_KEY"]
analytics.host = os.environ["TENURE_URL"]
analytics.gzip = True
analytics.on_error = lambda error, items: failures.append(str(error))

run = os.environ["RUN_ID"] + "/segment-python"
user, account = run + "/user", run + "/account"
analytics.identify(user, {"email": "segment-python@customer.example", "name": "Segment Python"})
analytics.group(user, account, {"name": "Segment Python Ltd", "employees": 12})
analytics.track(user, "login", {"run": run})
analytics.track(user, "feature_used", {"run": run, "feature": "reports"}, context={"groupId": account})
analytics.page(user, "Docs", "Pricing", {"run": run, "url": "https://customer.example/pricing"})
analytics.screen(user, "App", "Home", {"run": run})
analytics.alias(run + "/before", user)
analytics.flush()
analytics.shutdown()
if failures:
    sys.exit("segment-python: " + "; ".join(failures))
print(json.dumps({"sdk": "segment-python", "run": run, "events": 4, "account": account, "contact": user}))
