"""Run every benchmark, or those named: ``python -m benchmarks build startup``."""

import sys
from importlib import import_module
from pathlib import Path


def main() -> None:
    """Run the benchmarks one after the other; each prints its line."""
    every = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))
    for name in sys.argv[1:] or every:
        if name not in every:
            sys.exit(f"no benchmark is called {name}; there are: {', '.join(every)}")
        import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
