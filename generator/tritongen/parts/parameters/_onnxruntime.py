"""Numbers that ONNX Runtime reads as text in ``parameters:``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from tritongen.parts import backends
from tritongen.parts.parameters._parameter import Known, doubled, number, whole
from tritongen.records.messages import ModelConfig, ModelInstanceGroup
from tritongen.records.tune import Value


@dataclass(frozen=True, kw_only=True)
class Number:
    """``parameters.<name>``, 0 where nothing is said.

    ``candidates`` are the values worth a try; ``allowed`` are all, where the backend takes few.
    """

    name: str
    candidates: Callable[[ModelConfig, Known], Sequence[int]] = lambda config, known: ()
    allowed: tuple[int, ...] = ()
    RESTART: ClassVar[bool] = False

    def parse(self, said: Any) -> Value:
        """Read a whole number."""
        return whole(said)

    def read(self, config: ModelConfig) -> int:
        """Return it, 0 where no number is said."""
        texts = config.parameters
        said = texts[self.name].string_value if self.name in texts else ""
        return int(said) if said.isdecimal() else 0

    def write(self, config: ModelConfig, value: Value) -> None:
        """Set it; 0, which leaves it to the backend, is not written where nothing was said."""
        if value or self.name in config.parameters:
            config.parameters[self.name].string_value = str(number(value))

    def usual(self, config: ModelConfig, known: Known) -> Sequence[Value]:
        """Return the candidates and what the model has, for a backend that reads it."""
        values = () if self.wrong(config, 1) else self.candidates(config, known)
        return sorted({*values, self.read(config)}) if values else ()

    def wrong(self, config: ModelConfig, value: Value) -> str:
        """Refuse backends that do not read it, and what they would not take."""
        if self.name not in backends.find(config).parameters:
            return f"{backends.name_of(config)} has no parameter {self.name}"
        wanted = " or ".join(map(str, self.allowed))
        return f"it is {wanted}" if self.allowed and value not in self.allowed else ""


def _threads(config: ModelConfig, known: Known) -> Sequence[int]:
    """Return powers of two up to the cores, on the CPU."""
    kinds = {group.kind for group in config.instance_group} or {ModelInstanceGroup.KIND_AUTO}
    on_cpu = kinds == {ModelInstanceGroup.KIND_CPU}
    if not on_cpu and (known.gpus or kinds != {ModelInstanceGroup.KIND_AUTO}):
        return ()
    cores = max(int(known.cores), 1)
    return doubled(1, cores) if cores > 1 else ()


INTRA_OP_THREADS: Final = Number(name="intra_op_thread_count", candidates=_threads)
"""Threads of one execution; 0 is as many as there are cores."""

EXECUTION_MODE: Final = Number(name="execution_mode", allowed=(0, 1))
"""Branches one after another (0) or at once (1): it pays for few models and costs threads in all,
so that nothing is tried unasked."""
