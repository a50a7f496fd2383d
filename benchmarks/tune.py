"""Searches held to what was measured: all settings of two ensembles, three times each.

A search draws its trials from what was measured of the setting that it asks for; what it claims to
be best is then measured anew, in turns with its rivals. ``pair`` is two steps that sleep, like a
GPU; ``flagship`` is spec.yaml. ``fan``, by name only, has five steps and too many settings for
that: searches measure there themselves.

It goes on with what is in ``benchmarks/measured``; ``TUNE_RESULTS`` names another folder.
``TUNE_MINUTES=8`` ends after so long and is gone on with. ``TUNE_SURFACES=pair`` names some only.
``TUNE_AGAIN=guided`` runs searches again, as they are now.
"""

import os
import tempfile
import time
from pathlib import Path

from benchmarks._tune_live import search_live
from benchmarks._tune_rows import Rows, grid, left, measure_all
from benchmarks._tune_scores import compare, show
from benchmarks._tune_searches import Log, search_all
from benchmarks._tune_surfaces import SURFACES, Surface

RESULTS = Path(__file__).resolve().parent / "measured"


def main() -> None:
    """Measure what is missing, search, compare, and print the tables."""
    minutes = os.environ.get("TUNE_MINUTES")
    end = time.monotonic() + 60 * float(minutes) if minutes else float("inf")
    kept = Path(os.environ.get("TUNE_RESULTS", RESULTS))
    again = [each for each in os.environ.get("TUNE_AGAIN", "").split(",") if each]
    for name in os.environ.get("TUNE_SURFACES", "pair,flagship").split(","):
        with tempfile.TemporaryDirectory() as folder:
            bench(SURFACES[name], kept, Path(folder), again, end)


def bench(surface: Surface, kept: Path, folder: Path, again: list[str], end: float) -> None:
    """Bring one surface further, as far as time allows."""
    steps = os.environ.get("TUNE_STEPS", "grid,search,compare,show").split(",")
    plan = surface.plan(folder)
    rows = Rows(kept / f"tune_{surface.name}.jsonl")
    log = Log(kept / f"tune_{surface.name}_found.jsonl", again)
    missing = [] if surface.caps else left(grid(plan), rows)
    if "grid" in steps:
        measure_all(surface, missing, rows, folder, end)
        missing = [] if surface.caps else left(grid(plan), rows)
    if missing:
        print(f"{surface.name}: {len(missing)} measurements are missing, go on with it")
        return
    if "search" in steps and surface.caps:
        search_live(surface, plan, rows, log, folder, end)
    elif "search" in steps:
        search_all(plan, rows, log, end)
    if "compare" in steps:
        compare(surface, plan, rows, log, folder, end)
    if "show" in steps:
        show(surface, plan, rows, log.found)
