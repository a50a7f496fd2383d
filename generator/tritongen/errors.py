"""Every way to refuse, each with its exit code."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

# What describes a finding is imported when there is one: most commands find nothing.
if TYPE_CHECKING:
    from tritongen.records.finding import Finding, Place
    from tritongen.records.spec import Spec


class TritongenError(Exception):
    """A refusal: what happened, why, and one remedy. The CLI shows it without a traceback."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, why: str = "", fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.why = why
        self.fix = fix


class SpecError(TritongenError):
    """The spec or the arguments are wrong; carries all findings of the stage that refused.

    ``rest`` is what could be read of the spec all the same.
    """

    exit_code = 2
    rest: "Spec | None" = None

    def __init__(
        self, findings: "Sequence[Finding] | str", *, why: str = "", fix: str = ""
    ) -> None:
        if isinstance(findings, str):
            super().__init__(findings, why=why, fix=fix)
            self.findings: tuple[Finding, ...] = ()
        else:
            super().__init__("; ".join(finding.message for finding in findings))
            self.findings = tuple(findings)

    @classmethod
    def of(
        cls, code: str, message: str, *, why: str = "", fix: str = "", place: "Place | None" = None
    ) -> "SpecError":
        """Return a refusal for one mistake; who reads the spec fills in a place of ``None``."""
        from tritongen.records.finding import Finding

        return cls(
            [Finding(code=code, severity="error", place=place, message=message, why=why, fix=fix)]
        )


class DriftError(TritongenError):
    """``build --check``: what is on disk differs from what the spec gives."""

    exit_code = 3


class ConflictError(TritongenError):
    """Generated files were edited by hand."""

    exit_code = 4


class ToolMissingError(TritongenError):
    """A program, a library or a device is not there; says how to get it."""

    exit_code = 5


class EngineError(TritongenError):
    """The server did not become ready or can't be reached.

    ``log`` holds its last lines, ``reasons`` maps a model to why it did not load.
    """

    exit_code = 6

    def __init__(
        self, message: str, *, why: str = "", fix: str = "", log: Sequence[str] = ()
    ) -> None:
        super().__init__(message, why=why, fix=fix)
        self.log = tuple(log)


class MeasureError(TritongenError):
    """Failures under load, an objective missed, or a measurement too noisy to trust."""

    exit_code = 7


class TuneError(TritongenError):
    """No setting met the constraints; ``study`` is what was tried."""

    exit_code = 8
    study: Any = None


class HostError(TritongenError):
    """Disk full, not writable, port taken, no memory, no network."""

    exit_code = 9
