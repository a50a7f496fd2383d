"""Random ensembles: mostly sound ones, of which about half get something wrong on purpose."""

from dataclasses import dataclass, field
from random import Random
from typing import Any

from tritonclient.grpc.model_config_pb2 import ModelConfig

F4, F3, ANY, INT, ROWS = "FP32[4]", "FP32[3]", "FP32[-1]", "INT32[4]", "FP32[-1,4]"
MEMBERS: dict[str, tuple[int, dict[str, str], dict[str, str]]] = {
    "a": (8, {"x": F4}, {"y": F4}),
    "small": (4, {"x": F4}, {"y": F4}),
    "single": (0, {"x": F4}, {"y": F4}),
    "whole": (0, {"x": ROWS}, {"y": ROWS}),
    "three": (8, {"x": F3}, {"y": F3}),
    "open": (8, {"x": ANY}, {"y": ANY}),
    "int": (8, {"x": INT}, {"y": INT}),
    "two": (8, {"p": F4, "q": F4}, {"r": F4, "s": INT}),
    "maybe": (8, {"x": F4, "o": F4 + " optional"}, {"y": F4}),
    "many": (8, {"x": F4}, {"y": F4}),
    "pairs": (0, {"p": F4, "q": F4}, {"r": F4, "s": INT}),
    "inner": (8, {"x": F4}, {"y": F4}),
    "stream": (8, {"x": F4}, {"y": F4}),
}
"""``max_batch_size``, inputs and outputs of what ``members.yaml`` says."""
DECOUPLED = ["many", "pairs", "stream"]
PLAIN = [name for name in MEMBERS if name not in DECOUPLED]


@dataclass
class Graph:
    """An ensemble as its author thinks of it; tensors are in the short form."""

    max_batch_size: int = 0
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    what: list[str] = field(default_factory=list)

    def entry(self) -> dict[str, Any]:
        """Return it as an entry of ``ensembles:``, everything said."""
        return {
            "max_batch_size": self.max_batch_size,
            "input": self.inputs,
            "output": self.outputs,
            "steps": self.steps,
        }

    def config(self) -> ModelConfig:
        """Return it as a person would write its ``config.pbtxt``."""
        config = ModelConfig(platform="ensemble", max_batch_size=self.max_batch_size)
        for section, tensors in ((config.input, self.inputs), (config.output, self.outputs)):
            for name, short in tensors.items():
                kind, _, rest = short.partition("[")
                dims = [int(dim) for dim in rest.partition("]")[0].split(",")]
                tensor = section.add(name=name, data_type=f"TYPE_{kind}", dims=dims)
                if short.endswith("optional"):
                    tensor.optional = True
        for step in self.steps:
            config.ensemble_scheduling.step.add(
                model_name=step["model"],
                model_version=step.get("version", -1),
                input_map=step["input"],
                output_map=step["output"],
            )
        return config


def graph(random: Random) -> Graph:
    """Make one that Triton most likely takes, and with luck spoil it."""
    made = Graph()
    pool: dict[str, str] = {}
    for number in range(random.randint(1, 2)):
        pool[f"i{number}"] = made.inputs[f"i{number}"] = random.choice((F4, F4, F4, INT, ROWS, F3))
    length, number = random.randint(1, 5), 0
    while len(made.steps) < length:
        _add_step(random, made, pool, number := number + 1)
    read = {tensor for step in made.steps for tensor in step["input"].values()}
    written = {tensor for step in made.steps for tensor in step["output"].values()}
    made.inputs = {name: short for name, short in made.inputs.items() if name in read}
    made.outputs = {
        name: pool[name] for name in sorted(written) if name not in read or random.random() < 0.1
    }
    sizes = [MEMBERS[step["model"]][0] for step in made.steps]
    made.max_batch_size = min(sizes) if random.random() < 0.7 else random.choice((0, 4, 8))
    if random.random() < 0.2:
        random.shuffle(made.steps)
    while random.random() < 0.4:
        spoil = random.choice(SPOILERS)
        spoil(random, made)
        made.what.append(spoil.__name__.strip("_").replace("_", " "))
    return made


def _add_step(random: Random, made: Graph, pool: dict[str, str], number: int) -> None:
    model = random.choice([*PLAIN, *PLAIN, *PLAIN, *DECOUPLED])
    _, inputs, outputs = MEMBERS[model]
    reads = {}
    for name, short in inputs.items():
        if short.endswith("optional") and random.random() < 0.5:
            continue
        fitting = [tensor for tensor, kind in pool.items() if kind == short.split()[0]]
        if not fitting and random.random() < 0.98:
            return
        reads[name] = random.choice(fitting if random.random() < 0.98 and fitting else list(pool))
    writes = {name: f"t{number}{name}" for name in outputs if random.random() < 0.9}
    writes = writes or {name: f"t{number}{name}" for name in outputs}
    pool |= {tensor: outputs[name] for name, tensor in writes.items()}
    made.steps.append({"model": model, "input": reads, "output": writes})


def _other(random: Random, short: str) -> str:
    return random.choice([kind for kind in (F4, F3, ANY, INT, ROWS, "FP32[1,4]") if kind != short])


def _an_input_nobody_reads(random: Random, made: Graph) -> None:
    made.inputs["extra"] = random.choice((F4, F4 + " optional"))


def _an_output_nobody_writes(random: Random, made: Graph) -> None:
    made.outputs["nobody"] = F4


def _an_output_dropped(random: Random, made: Graph) -> None:
    if made.outputs:
        del made.outputs[random.choice(list(made.outputs))]


def _an_input_dropped(random: Random, made: Graph) -> None:
    if made.inputs:
        del made.inputs[random.choice(list(made.inputs))]


def _another_type_outside(random: Random, made: Graph) -> None:
    tensors = random.choice((made.inputs, made.outputs))
    if tensors:
        name = random.choice(list(tensors))
        tensors[name] = _other(random, tensors[name])


def _an_optional_input(random: Random, made: Graph) -> None:
    if made.inputs:
        name = random.choice(list(made.inputs))
        made.inputs[name] = made.inputs[name].removesuffix(" optional") + " optional"


def _a_ghost_is_read(random: Random, made: Graph) -> None:
    if made.steps:
        step = random.choice(made.steps)
        if step["input"]:
            step["input"][random.choice(list(step["input"]))] = "ghost"


def _any_tensor_is_read(random: Random, made: Graph) -> None:
    tensors = [*made.inputs, *(t for step in made.steps for t in step["output"].values())]
    if made.steps and tensors:
        step = random.choice(made.steps)
        if step["input"]:
            step["input"][random.choice(list(step["input"]))] = random.choice(tensors)


def _any_tensor_is_written(random: Random, made: Graph) -> None:
    tensors = [*made.inputs, *(t for step in made.steps for t in step["output"].values())]
    if made.steps and tensors:
        step = random.choice(made.steps)
        if step["output"]:
            step["output"][random.choice(list(step["output"]))] = random.choice(tensors)


def _an_unknown_model_tensor(random: Random, made: Graph) -> None:
    if made.steps and made.inputs:
        step = random.choice(made.steps)
        if random.random() < 0.5:
            step["input"]["nope"] = random.choice(list(made.inputs))
        else:
            step["output"]["nope"] = "new"
            made.outputs["new"] = F4


def _another_batch_size(random: Random, made: Graph) -> None:
    made.max_batch_size = random.choice((0, 1, 4, 5, 8, 16))


def _another_version(random: Random, made: Graph) -> None:
    if made.steps:
        random.choice(made.steps)["version"] = random.choice((1, 1, 2))


def _a_step_without_outputs(random: Random, made: Graph) -> None:
    if made.steps:
        random.choice(made.steps)["output"] = {}


SPOILERS = [
    _an_input_nobody_reads,
    _an_output_nobody_writes,
    _an_output_dropped,
    _an_input_dropped,
    _another_type_outside,
    _an_optional_input,
    _a_ghost_is_read,
    _any_tensor_is_read,
    _any_tensor_is_written,
    _an_unknown_model_tensor,
    _another_batch_size,
    _another_version,
    _a_step_without_outputs,
]
