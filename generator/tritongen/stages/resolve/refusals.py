"""Wiring that can't be done: the findings for which there is no plan.

They are the mistakes that Triton reports in words that name neither step nor remedy («output 'Y'
is not written: at least one of its depending tensors is not connected»), or does not report.
"""

from collections.abc import Iterable

from tritongen.records.finding import Finding, Place, did_you_mean

TABLE = {
    "TG201": "A step names a model that is neither in `models:` nor in `ensembles:`. A model that "
    "lives in another repository of the same server is declared with `external: true`.",
    "TG202": "Two steps write the same ensemble tensor. Triton refuses the ensemble: a tensor "
    "appears in an output map only once. Rename one: `output: {model_output: another_name}`.",
    "TG203": "The steps feed each other in a circle, or ensembles contain each other. Triton "
    "refuses most circles; one through an ensemble input loads, and its first request never ends.",
    "TG205": "A step reads a tensor that no step writes and that is not an input of the ensemble.",
}

LOAD_TABLE = {
    "TG701": "A load test or an objective (`slo:`) names a model that is neither in `models:` nor "
    "in `ensembles:`, or an input that the model has not.",
    "TG702": "A model that may answer a request any number of times is asked over a stream only: "
    "Triton refuses it over HTTP and over plain gRPC. Say `protocol: grpc-stream`.",
    "TG703": "Something of a load test is said twice: `stages` and `trace` have their own length, "
    "and in a mix (`models:`) every model has its own `data`.",
    "TG704": "Requests can't be made: the model's tensors are not known, files are missing or the "
    "folder is empty, values do not fit the tensors, or a file is of a kind that is not read.",
    "TG705": "A warning: the load test has few different requests and the model's response cache "
    "is on, so most answers come from the cache and say nothing about the model. `unique: true` "
    "makes each request different; more `data` or `samples` make it more like production.",
}
"""Mistakes in load tests; the last two are found when their requests are made."""


def unknown_model(name: str, known: Iterable[str], place: Place | None) -> Finding:
    """A step's model does not exist."""
    hint = did_you_mean(name, known)
    return Finding(
        code="TG201",
        severity="error",
        place=place,
        message=f"no model or ensemble is called {name!r}" + (f"; {hint}" if hint else ""),
        why="Triton refuses an ensemble that contains a model which is not available",
        fix=f"define {name!r} under models:, with external: true if another repository has it",
    )


def written_twice(tensor: str, first: str, second: str, place: Place | None) -> Finding:
    """Two outputs go into one ensemble tensor."""
    return Finding(
        code="TG202",
        severity="error",
        place=place,
        message=f"{second} writes the tensor {tensor!r}, which {first} writes already",
        why="an ensemble tensor has one producer; Triton refuses two",
        fix=f"give it another name here: output: {{{second.rpartition('.')[2]}: {tensor}_2}}",
    )


def writes_input(tensor: str, writer: str, place: Place | None) -> Finding:
    """A step writes a tensor that is declared as an input of the ensemble."""
    return Finding(
        code="TG203",
        severity="error",
        place=place,
        message=f"{writer} writes {tensor!r}, which is an input of the ensemble",
        why="Triton loads this, and the first request never returns: each answer starts it again",
        fix=f"give it another name: output: {{{writer.rpartition('.')[2]}: {tensor}_out}}",
    )


def circle(steps: list[str], tensors: list[str], place: Place | None) -> Finding:
    """Steps wait for each other."""
    names = " -> ".join([*_brief(steps), steps[0]])
    through = ", ".join(map(repr, _brief(tensors)))
    alone = len(steps) == 1
    return Finding(
        code="TG203",
        severity="error",
        place=place,
        message=f"{steps[0]} reads its own output {tensors[0]!r}"
        if alone
        else f"the steps wait for each other: {names} (through {through})",
        why="a step runs when its inputs are there; in a circle none ever is",
        fix=f"rename one of the tensors: output: {{{tensors[0]}: another_name}}",
    )


def ensemble_circle(ensembles: list[str], place: Place | None) -> Finding:
    """Ensembles contain each other."""
    names = " -> ".join([*_brief(ensembles), ensembles[0]])
    return Finding(
        code="TG203",
        severity="error",
        place=place,
        message=f"the ensembles contain each other: {names}",
        why="Triton refuses a circular dependency between ensembles",
        fix="take one of these steps out",
    )


def nobody_writes(tensor: str, reader: str, known: Iterable[str], place: Place | None) -> Finding:
    """A tensor is read and neither written nor an input of the ensemble."""
    hint = did_you_mean(tensor, known)
    return Finding(
        code="TG205",
        severity="error",
        place=place,
        message=f"{reader} reads {tensor!r}, which no step writes and which is not an input of "
        "the ensemble" + (f"; {hint}" if hint else ""),
        why="Triton refuses an ensemble with a tensor that is not connected",
        fix=f"map it to what it should read: input: {{{reader.rpartition('.')[2]}: TENSOR}}",
    )


def unwritten_output(output: str, known: Iterable[str], place: Place | None) -> Finding:
    """An output of the ensemble is neither written by a step nor one of its inputs."""
    hint = did_you_mean(output.rpartition(".")[2], known)
    return Finding(
        code="TG205",
        severity="error",
        place=place,
        message=f"no step writes the output {output}" + (f"; {hint}" if hint else ""),
        why="Triton refuses an ensemble whose output is not in any output map",
        fix="write it from a step: output: {MODEL_OUTPUT: " + output.rpartition(".")[2] + "}",
    )


def taken(model: str, file: str, by: str, place: Place | None) -> Finding:
    """A file would stand where another one does, or inside or around it."""
    return Finding(
        code="TG060",
        severity="error",
        place=place,
        message=f"{file!r} can't stand in the folder of {model}: "
        + ("something else is written there" if by == file else f"{by!r} is a file there"),
        why="one of the two would be lost",
        fix="give it another name",
    )


def outside(model: str, file: str, place: Place | None) -> Finding:
    """A file would stand outside of the model's folder."""
    return Finding(
        code="TG060",
        severity="error",
        place=place,
        message=f"{file!r} is not a plain path inside the folder of {model}",
        why="only the model's own folder is written, and Triton looks for its files there",
        fix="write a relative path without `..`, such as labels.txt",
    )


def unmeasured_model(name: str, known: Iterable[str], place: Place | None) -> Finding:
    """A load test or an objective is for a model that does not exist."""
    known = sorted(known)
    return Finding(
        code="TG701",
        severity="error",
        place=place,
        message=f"no model or ensemble is called {name!r}",
        why="only what is served can be asked and held to something",
        fix=did_you_mean(name, known) or f"name one of {', '.join(known) or 'your models'}",
    )


def unknown_input(model: str, name: str, known: Iterable[str], place: Place | None) -> Finding:
    """``data.inputs`` names an input that the model has not."""
    known = sorted(known)
    return Finding(
        code="TG701",
        severity="error",
        place=place,
        message=f"{model} has no input {name!r}",
        why="Triton refuses a request with an input that the model does not have",
        fix=did_you_mean(name, known) or f"name one of {', '.join(known)}",
    )


def unknown_tensors(model: str, place: Place | None) -> Finding:
    """The model's inputs were neither read nor said."""
    return Finding(
        code="TG704",
        severity="error",
        place=place,
        message=f"the inputs of {model} are not known, so no request can be made",
        why="its file can't be read here, and the spec does not say them",
        fix=f"say `input:` and `output:` of {model}",
    )


def streams_only(model: str, protocol: str, place: Place | None) -> Finding:
    """A decoupled model is asked over a protocol that has one answer per request."""
    return Finding(
        code="TG702",
        severity="error",
        place=place,
        message=f"{model} may answer a request any number of times, which {protocol} can't carry",
        why="Triton answers decoupled models over a gRPC stream only",
        fix="write `protocol: grpc-stream`",
    )


def two_durations(place: Place | None) -> Finding:
    """``duration`` beside ``stages``."""
    return Finding(
        code="TG703",
        severity="error",
        place=place,
        message="`duration` is said, and `stages` say theirs",
        why="the test lasts as long as its stages do",
        fix="remove `duration:`",
    )


def users_in_flight(place: Place | None) -> Finding:
    """``max_in_flight`` beside ``closed``."""
    return Finding(
        code="TG703",
        severity="error",
        place=place,
        message="`max_in_flight` is said, and `closed` says how many users there are",
        why="each user waits for its answer, so no more are on their way",
        fix="remove `max_in_flight:`",
    )


def whose_data(model: str, place: Place | None) -> Finding:
    """``data`` beside ``models``."""
    return Finding(
        code="TG703",
        severity="error",
        place=place,
        message="`data` does not say for which of the `models` it is",
        why="every model takes other tensors",
        fix=f"say it there: `models: {{{model}: {{weight: 1, data: ...}}}}`",
    )


def _brief(names: list[str]) -> list[str]:
    """Leave out the middle of a long list."""
    return names if len(names) <= 9 else [*names[:4], "...", *names[-4:]]
