"""Sync every stream of the Singer tap from the sandbox; run by an interpreter that has the tap, not by pytest.

    python run_tap.py URL DIRECTORY

The tap knows Klaviyo's address as a constant, which is all that is replaced here. Prints the tap's Singer messages.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
from pathlib import Path


def main() -> None:
    url, directory = sys.argv[1], Path(sys.argv[2])
    tap = importlib.import_module("tap_klaviyo")
    tap.ENDPOINTS.update({name: f"{url}/api/{name}" for name in tap.ENDPOINTS})
    tap.ENDPOINTS["global_exclusions"] = f"{url}/api/profiles"
    config, catalog = directory / "config.json", directory / "catalog.json"
    config.write_text(json.dumps({"api_key": "sandbox", "start_date": "2020-01-01T00:00:00Z", "user_agent": "tests"}))
    sys.argv = ["tap-klaviyo", "--config", str(config), "--discover"]
    discovered = io.StringIO()
    with contextlib.redirect_stdout(discovered):
        tap.main()
    streams = json.loads(discovered.getvalue())["streams"]
    for stream in streams:
        stream["schema"]["selected"] = True
        for one in stream["metadata"]:
            one["metadata"]["selected"] = True
    catalog.write_text(json.dumps({"streams": streams}))
    sys.argv = ["tap-klaviyo", "--config", str(config), "--catalog", str(catalog)]
    tap.main()


main()
