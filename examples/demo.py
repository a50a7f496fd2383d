"""`make demo`: build spec.yaml, serve it, ask it about files, put it under load, stop it again."""

import json
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table

from tritongen.triton import Request, Response, Statistics, Triton

ROOT = Path(__file__).resolve().parents[1]
CLIENTS, REQUESTS = 32, 320
SIZES = {
    "1": [1],
    "2-4": range(2, 5),
    "5-8": range(5, 9),
    "9-16": range(9, 17),
    "17+": range(17, 65),
}
KINDS = (
    *(".py", ".pyc", ".so", ".c", ".h", ".sh", ".js", ".css", ".html", ".md", ".rst", ".json"),
    *(".toml", ".csv", ".pem", ".png", ".svg", ".ttf", ".gz", ".exe", ".onnx", ".wav", ".typed"),
)
console = Console(highlight=False)


def main() -> None:
    """Show the whole way of a spec."""
    tritongen("build", "spec.yaml")
    tritongen("up", "spec.yaml", "--detach")
    try:
        endpoint = json.loads(tritongen("status", "--json", show=False))["endpoint"]
        with Triton(http=endpoint["http"], grpc=endpoint["grpc"]) as triton:
            everything = files()
            show_verdicts(triton, one_of_each_kind(everything))
            show_batching(triton, everything[:REQUESTS])
        # Ends with 7 where this machine is too busy for the figures to be trusted, and says so.
        tritongen("load", "smoke", allowed=(0, 7))
    finally:
        tritongen("down")


def tritongen(*arguments: str, show: bool = True, allowed: Sequence[int] = (0,)) -> str:
    """Run a command as a person would type it; its output is shown, or returned."""
    if show:
        console.print(f"\n[bold]$ tritongen {' '.join(arguments)}[/]")
    command = [str(Path(sys.executable).with_name("tritongen")), *arguments]
    output = None if show else subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=output, text=True) as process:
        try:
            text, _ = process.communicate()
        except KeyboardInterrupt:
            process.wait()  # Ctrl-C reached it as well: it cleans up after itself
            raise
    if process.returncode not in allowed:
        sys.exit(process.returncode)
    return text or ""


def files() -> list[Path]:
    """Return files of the Python installation, of many kinds and not too large."""
    roots = [Path(sysconfig.get_path(name)) for name in ("stdlib", "platlib")]
    found = (path for root in roots for path in islice(root.rglob("*.*"), 20_000))
    return [path for path in found if path.is_file() and path.stat().st_size < 1 << 20]


def one_of_each_kind(paths: Sequence[Path]) -> list[Path]:
    """Return the first file of each kind, and the program that runs this one."""
    first = {path.suffix: path for path in reversed(paths)}
    return [Path(sys.executable).resolve(), *(first[kind] for kind in KINDS if kind in first)]


def ask(triton: Triton, path: Path) -> Response:
    """Send a file's bytes as a batch of one."""
    content = np.array([[path.read_bytes()]], object)
    return triton.infer(Request(model="filetype", inputs={"content": content}))


def show_verdicts(triton: Triton, paths: Sequence[Path]) -> None:
    """Ask about one file after another."""
    table = Table(title="\nWhat is this file?", title_justify="left", box=None, padding=(0, 2))
    for name in ("file", "label"):
        table.add_column(name)
    for name in ("score", "ms"):
        table.add_column(name, justify="right")
    for path in paths:
        answer = ask(triton, path)
        label = answer.outputs["label"].item().decode()
        score = answer.outputs["score"].item()
        colour = "green" if score >= 0.9 else "yellow"
        table.add_row(
            f"[dim]{path.parent.name}/[/]{path.name}",
            f"[bold]{label}[/]",
            f"[{colour}]{score:.3f}[/]",
            f"{answer.time_ms:.1f}",
        )
    console.print(table)


def show_batching(triton: Triton, paths: Sequence[Path]) -> None:
    """Ask about many files at once, and show how Triton put the requests together."""
    before = {row.name: row for row in triton.statistics()}
    began = perf_counter()
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(lambda path: ask(triton, path), paths))
    seconds = perf_counter() - began
    console.print(
        f"\n{len(paths)} files from {CLIENTS} clients at once: "
        f"[bold]{len(paths) / seconds:.0f} a second[/]\n"
    )
    table = Table(title="  executions by batch size", title_justify="right", box=None)
    table.add_column("model")
    for name in ("files", "executions", "mean batch", *SIZES):
        table.add_column(name, justify="right")
    for row in triton.statistics():
        if row.name != "filetype":
            table.add_row(row.name, *batching(before[row.name], row))
    console.print(table)


def batching(before: Statistics, after: Statistics) -> list[str]:
    """Return files, executions, files in each, and the executions of each group of sizes."""
    rows = after.inference_count - before.inference_count
    executions = after.execution_count - before.execution_count
    times = {size: count - before.batches.get(size, 0) for size, count in after.batches.items()}
    groups = (sum(times.get(size, 0) for size in sizes) for sizes in SIZES.values())
    return [str(rows), str(executions), f"{rows / executions:.1f}", *map(str, groups)]


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        console.print("\ninterrupted")
        sys.exit(130)
