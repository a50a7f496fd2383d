"""The command line: one module per command, imported when it is called."""

import os
import sys
from importlib import import_module
from keyword import iskeyword

import click

from tritongen import __version__
from tritongen.errors import TritongenError

COMMANDS = {
    "build": "Check a spec, then write what it says.",
    "check": "Check a spec; write nothing.",
    "compare": "Say whether one load test's result is worse than another, beyond noise.",
    "completion": "Write the script that completes commands in your shell.",
    "doctor": "Show what this machine has for serving, and how to get what is missing.",
    "down": "Stop the server or stack that runs for a spec.",
    "schema": "Write the JSON Schema of a spec, for editors.",
    "explain": "Show every decision, where it came from and why.",
    "import": "Write a spec that builds an existing model repository back.",
    "graph": "Draw the ensembles: on the terminal, as SVG or as Mermaid.",
    "infer": "Send one request to a model.",
    "init": "Write a first spec from model files.",
    "load": "Put a server under a load test of the spec, and judge it.",
    "logs": "Show the log of the server or stack.",
    "report": "Show a load test's result as an HTML page.",
    "rollout": "Bring a running stack to the spec, one replica at a time.",
    "status": "Show the running server or stack.",
    "tune": "Search the configuration that serves a load test best, and prove it.",
    "up": "Build and serve: one server here, or the whole stack in containers.",
}
"""Name -> one line for ``--help``, which imports no command."""


def examples(epilog: str) -> str:
    """Put the examples of `Examples: a | b. More.` on lines of their own: they are no pipes."""
    head, _, rest = epilog.partition(": ")
    if not head.startswith("Example"):
        return epilog
    listed, _, more = rest.partition(". ")
    # Click keeps the lines of a paragraph that starts with \b.
    lines = ["\b", f"{head}:", *(f"  {example}" for example in listed.split(" | "))]
    return "\n".join(lines) + (f"\n\n{more}" if more else "")


class Commands(click.Group):
    """Commands by name, each imported from its module when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of ``--help``."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import and return a command; ``None`` if there is none of that name."""
        if name not in COMMANDS:
            return None
        module = f"{name}_" if iskeyword(name) else name
        command: click.Command = import_module(f"tritongen.cli.{module}").command
        command.epilog = examples(command.epilog or "")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called; where there is none, name the nearest."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from difflib import get_close_matches

            near = get_close_matches(args[0], COMMANDS, n=1)
            if not near:
                raise
            message = f"{error.message} Did you mean '{near[0]}'?"
            raise click.UsageError(message, ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with: tritongen up spec.yaml",
)
@click.version_option(__version__, prog_name="tritongen")
def cli() -> None:
    """Serve models on NVIDIA's Triton Inference Server from one spec."""


def main() -> None:
    """Run a command and end the process with its exit code."""
    try:
        code = cli.main(standalone_mode=False) or 0
    except click.exceptions.Exit as end:
        code = end.exit_code
    except click.ClickException as error:
        error.show()
        code = 2
    except TritongenError as error:
        from tritongen.cli.output import show_error

        show_error(error)
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        code = 130
    except BrokenPipeError:
        # The reader of our output went away (`| head`): say nothing, like other tools.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:
        # The one place that catches everything: a bug of ours is no traceback on the screen.
        from tritongen.cli.output import report_bug

        report_bug(error)
        code = 1
    sys.exit(code if isinstance(code, int) else 0)
