"""Runs a module as `python -m` would, and samples which function uses the processor.

    python -m benchmarks.sampler SAMPLES MODULE [ARGUMENT]...

SIGUSR1 forgets the samples so far, so that the start does not count. At the end, the file SAMPLES holds a JSON object:
the place of a function -> its samples. The time of a library without a place of its own, such as the standard library,
counts for the function that called it. Needs a system with SIGPROF.
"""

from __future__ import annotations

import asyncio.base_events
import asyncio.events
import atexit
import json
import runpy
import signal
import sys
import sysconfig
from collections import Counter
from pathlib import Path
from types import FrameType

EVENT_LOOP = "event loop: asyncio"
_SECONDS = 0.001
_STANDARD_LIBRARY = sysconfig.get_path("stdlib")
_PACKAGES = "site-packages/"
_OWN_PACKAGES = ("klaviyo_mcp/", "klaviyo_tools/")


def place_of(frame: FrameType | None) -> str:
    """The function that a sample counts for, as `package/module.py:function`, or the event loop."""
    while frame is not None:
        code = frame.f_code
        path = code.co_filename
        if path == asyncio.events.__file__ and code.co_name == "_run":
            return EVENT_LOOP
        if path == asyncio.base_events.__file__ and code.co_name == "_run_once":
            return EVENT_LOOP
        if _PACKAGES in path:
            return f"{path.rpartition(_PACKAGES)[2]}:{code.co_name}"
        if not path.startswith((_STANDARD_LIBRARY, "<")):
            return f"{_own_path(path)}:{code.co_name}"
        frame = frame.f_back
    return EVENT_LOOP


def _own_path(path: str) -> str:
    for package in _OWN_PACKAGES:
        if package in path:
            return package + path.rpartition(package)[2]
    return path


def main() -> None:
    """Run the module with samples taken in every millisecond of its processor time."""
    _, output, module, *arguments = sys.argv
    samples: Counter[str] = Counter()
    signal.signal(signal.SIGPROF, lambda _, frame: samples.update((place_of(frame),)))
    signal.signal(signal.SIGUSR1, lambda *_: samples.clear())
    atexit.register(lambda: Path(output).write_text(json.dumps(samples)))
    signal.setitimer(signal.ITIMER_PROF, _SECONDS, _SECONDS)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
