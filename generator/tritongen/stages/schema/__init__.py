"""The spec language as a JSON Schema, from the records and from Triton's own descriptor.

It is draft 7, which every editor's YAML support reads. A scalar may always be `${NAME}` or null,
as in the language, and hardly anything is required, since an overlay says only what it changes.
"""

from tritongen.parts.lints import LINTS
from tritongen.records.keys import keys
from tritongen.records.release import releases
from tritongen.stages.schema.messages import descriptors, fields, messages, oneofs, tensors
from tritongen.stages.schema.records import load_records
from tritongen.stages.schema.values import (
    FLAG,
    REFERENCE,
    TEXT,
    Schema,
    listed,
    mapping,
    text,
    whole,
)

ENSEMBLE_ONLY = ("ModelEnsembling", "max_inflight_requests")
SCHEDULERS = ("dynamic_batching", "sequence_batching", "ensemble_scheduling")
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
VERSION = r"^(0|[1-9][0-9]*)$"


def schema() -> Schema:
    """Return the schema of a spec: descriptions and defaults for every key."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "tritongen spec",
        **_record("Spec", _spec()),
        "patternProperties": {"^x-": {"description": "Yours: a place for anchors."}},
        "definitions": {
            "Model": {
                **_record("Model", _model()),
                **oneofs(descriptors()["ModelConfig"]),
                "type": ["object", "string", "null"],
            },
            "Ensemble": _record("Ensemble", _ensemble()),
            "Step": {
                **_record("Step", _step()),
                "type": ["object", "string", "number"],
                "required": ["model"],
            },
            "Source": {**_record("Source", _source()), "type": ["object", "string", "null"]},
            **load_records(),
            **tensors(),
            **messages(),
        },
    }


def own_keys() -> dict[str, dict[str, Schema]]:
    """Return the language's own keys by record, without those of ``ModelConfig``."""
    return {
        "Spec": _spec(),
        "Source": _source(),
        "Model": _own_model(),
        "Ensemble": _own_ensemble(),
        "Step": _step(),
        **{name: record["properties"] for name, record in load_records().items()},
    }


def _record(owner: str, values: dict[str, Schema]) -> Schema:
    """Describe a record: each key with its meaning and default, all other keys refused."""
    said = keys()[owner]
    return {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {
            key: {**value, **_meaning(owner, key)} if key in said else value
            for key, value in values.items()
        },
    }


def _meaning(owner: str, key: str) -> Schema:
    said = keys()[owner][key]
    default = {} if said.default in (None, "") else {"default": said.default}
    return {"description": said.text, **default}


def _spec() -> dict[str, Schema]:
    names = {"propertyNames": {"pattern": NAME}}
    return {
        "tritongen": {"enum": [1, "1", None]},
        "name": text(NAME),
        "triton": {"anyOf": [{"enum": list(releases())}, {"type": ["number", "null"]}, REFERENCE]},
        "models": {**mapping({"$ref": "#/definitions/Model"}), **names},
        "ensembles": {**mapping({"$ref": "#/definitions/Ensemble"}), **names},
        "server": {"$ref": "#/definitions/Server"},
        "slo": mapping({"$ref": "#/definitions/Slo"}),
        "loadtests": mapping({"$ref": "#/definitions/LoadTest"}),
        "stack": {"$ref": "#/definitions/Stack"},
        "tune": {"$ref": "#/definitions/Tune"},
        "vars": mapping(TEXT),
    }


def _source() -> dict[str, Schema]:
    return {"path": TEXT, "sha256": text("^[0-9a-fA-F]{64}$")}


def _own_model() -> dict[str, Schema]:
    source: Schema = {"$ref": "#/definitions/Source"}
    return {
        "source": source,
        "python": text(r"\.py(:|$)"),
        "versions": {**mapping(source), "propertyNames": {"pattern": VERSION}},
        "files": mapping(source),
        "requirements": listed(TEXT),
        "calls": listed(TEXT),
        "external": FLAG,
        "complete": FLAG,
        "join": FLAG,
        "labels": mapping(listed(TEXT)),
        "allow": _allow(),
    }


def _model() -> dict[str, Schema]:
    return {**_own_model(), **fields("ModelConfig")}


def _own_ensemble() -> dict[str, Schema]:
    steps = listed({"$ref": "#/definitions/Step"})
    return {
        "steps": steps,
        "versions": listed(whole(0, 2**63 - 1)),
        "files": mapping({"$ref": "#/definitions/Source"}),
        "allow": _allow(),
    }


def _ensemble() -> dict[str, Schema]:
    owner, key = ENSEMBLE_ONLY
    triton = {k: v for k, v in fields("ModelConfig").items() if k not in SCHEDULERS}
    return {**_own_ensemble(), key: fields(owner)[key], **triton}


def _step() -> dict[str, Schema]:
    return {
        "model": TEXT,
        "version": whole(-1, 2**63 - 1),
        "input": mapping(TEXT),
        "output": {**mapping(TEXT), "type": ["object", "array", "null"], "items": TEXT},
        "namespace": TEXT,
    }


def _allow() -> Schema:
    titles = {
        code: (lint.__doc__ or "").partition("\n")[0].replace("``", "`")
        for code, lint in LINTS.items()
    }
    return {
        "type": ["object", "null"],
        "additionalProperties": False,
        "properties": {code: {**TEXT, "description": title} for code, title in titles.items()},
    }
