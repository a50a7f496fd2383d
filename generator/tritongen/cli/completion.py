"""``tritongen completion``: the script with which a shell completes commands and options."""

import sys

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")
PROGRAM = "tritongen"
VARIABLE = "_TRITONGEN_COMPLETE"


@click.command(
    epilog="Examples: tritongen completion bash > ~/.local/share/bash-completion/completions/"
    "tritongen | tritongen completion zsh > ~/.zfunc/_tritongen | "
    "tritongen completion fish > ~/.config/fish/completions/tritongen.fish"
)
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Write the completion script of SHELL; for zsh, ~/.zfunc has to be in $fpath."""
    from tritongen.cli import cli

    script = get_completion_class(shell)
    assert script is not None, "click knows these shells"
    sys.stdout.write(script(cli, {}, PROGRAM, VARIABLE).source() + "\n")
