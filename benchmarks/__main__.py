"""`python -m benchmarks`: measure, check the bars, and write the page with its chart."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks import bars, chart, options, report
from benchmarks.clients import ServerError
from benchmarks.measurements import Results
from benchmarks.runs import measure


def _show_progress(text: str) -> None:
    sys.stderr.write(f"\r\x1b[K{text}" if sys.stderr.isatty() else f"{text}\n")
    sys.stderr.flush()


def _as_json(results: Results) -> str:
    builds = {
        name: [
            {**key._asdict(), "median": figure.median, "values": figure.values}
            for key, figure in measurements.all_figures().items()
        ]
        for name, measurements in results.builds.items()
    }
    return json.dumps({"builds": builds, "loads": results.loads}, indent=1) + "\n"


def _command(arguments: list[str]) -> str:
    """The command for the page: paths, which differ from machine to machine, by their last part alone."""
    names = [Path(text).name if Path(text).is_absolute() else text for text in arguments]
    return shlex.join(["python", "-m", "benchmarks", *names])


def main(arguments: list[str]) -> int:
    """Measure as the arguments say; the exit code."""
    chosen = options.parse(arguments)
    try:
        results = asyncio.run(measure(replace(chosen.plan, progress=_show_progress), chosen.parts))
    except ServerError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    _show_progress("\n" if sys.stderr.isatty() else "done")
    drawing = chart.draw(results.own)
    page = report.write_page(results, _command(arguments), options.CHART if drawing else None)
    sys.stdout.write(page)
    if chosen.docs is not None:
        (chosen.docs / options.PAGE).write_text(page)
        if drawing:
            (chosen.docs / options.CHART).write_text(drawing)
    if chosen.json is not None:
        chosen.json.write_text(_as_json(results))
    return bars.exit_code(bars.check_bars(results.own)) if chosen.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
