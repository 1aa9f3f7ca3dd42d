"""RudderStack's Python SDK: only `dataPlaneUrl` is changed."""

import json
import os
import sys

import rudderstack.analytics as rudder

failures = []
rudder.write_key = os.environ["WRITE_KEY"]
rudder.host = os.environ["TENURE_URL"]
rudder.on_error = lambda error, items: failures.append(str(error))

run = os.environ["RUN_ID"] + "/rudder-python"
user, account = run + "/user", run + "/account"
rudder.identify(user, {"email": "rudder-python@customer.example", "name": "Rudder Python"})
rudder.group(user, account, {"name": "Rudder Python Ltd", "employees": 12})
rudder.track(user, "login", {"run": run})
rudder.track(user, "feature_used", {"run": run, "feature": "reports"}, context={"groupId": account})
rudder.page(user, "Docs", "Pricing", {"run": run, "url": "https://customer.example/pricing"})
rudder.screen(user, "App", "Home", {"run": run})
rudder.alias(run + "/before", user)
rudder.flush()
rudder.default_client.join()
if failures:
    sys.exit("rudder-python: " + "; ".join(failures))
print(json.dumps({"sdk": "rudder-python", "run": run, "events": 4, "account": account, "contact": user}))
