"""Triton's backend that answers what it was asked, for tests."""

from collections.abc import Iterator

from tritongen.parts.backends._backend import NUMBER, TEXT, Backend, Problem, declared
from tritongen.records.messages import ModelConfig


def _errors(config: ModelConfig, _: object) -> Iterator[Problem]:
    names: dict[str, set[str]] = {"input": set(), "output": set()}
    for section, name, _ in declared(config):
        prefix = section.upper()
        if not name.startswith(prefix):
            message = f"the identity backend's {section}s are called {prefix}0, {prefix}1..."
            yield Problem(
                section=section, name=name, message=message, fix=f"call it {prefix}0, {prefix}1..."
            )
        else:
            names[section].add(name.removeprefix(prefix))
    for index in sorted(names["output"] - names["input"]):
        yield Problem(
            section="output",
            name=f"OUTPUT{index}",
            message=f"the identity backend copies INPUT{index} to it, which is not declared",
            fix=f"declare INPUT{index} with the same type and dims",
        )
    for index in sorted(names["input"] - names["output"]):
        yield Problem(
            section="input",
            name=f"INPUT{index}",
            message=f"the identity backend copies it to OUTPUT{index}, which is not declared",
            fix=f"declare OUTPUT{index} with the same type and dims",
        )


BACKEND = Backend(
    name="identity",
    completes=False,
    parameters={
        "execute_delay_ms": NUMBER,
        "instance_wise_delay_multiplier": NUMBER,
        "creation_delay_sec": NUMBER,
        "enable_custom_tracing": TEXT,
        "nested_span_count": NUMBER,
    },
    errors=_errors,
)
