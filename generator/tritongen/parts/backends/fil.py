"""FIL: forests of decision trees of XGBoost, LightGBM and, as Treelite's, of everything else."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tritongen.errors import SpecError
from tritongen.parts.backends._backend import (
    TEXT,
    Backend,
    Format,
    Problem,
    Values,
    declared,
    one_of,
    value,
)
from tritongen.parts.backends._bytes import REMEDIES, describe
from tritongen.parts.backends._unread import unread
from tritongen.records.facts import Inspection, TensorFacts
from tritongen.records.messages import DataType, ModelConfig

EXACTLY = Values("true or false", "(?-i:true|false)")
"""FIL takes other words for the flag's default: `predict_proba: True` gives classes."""
INPUT, OUTPUT, SHAP = "input__0", "output__0", "treeshap_output"
TREELITE = "treelite>=4.2"
HEADER_BYTES = 1 << 24
"""LightGBM writes what describes the whole model before its trees."""


def inspect_xgboost(file: Path, shown: str) -> Inspection:
    """Return the tensors of a model that XGBoost saved as JSON."""
    try:
        parameters = json.loads(file.read_bytes())["learner"]["learner_model_param"]
        return _forest(int(parameters["num_feature"]), int(parameters["num_class"]))
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        fix = 'save it with XGBoost: model.save_model("xgboost.json")'
        raise _not_forest(file, shown, "a model of XGBoost in JSON", fix) from error


def inspect_lightgbm(file: Path, shown: str) -> Inspection:
    """Return the tensors of a model that LightGBM saved as text."""
    with file.open("rb") as stream:
        header = stream.read(HEADER_BYTES).partition(b"\nTree=")[0].decode("utf-8", "replace")
    said = dict(line.split("=", 1) for line in header.splitlines() if "=" in line)
    try:
        classes = int(said["num_class"])
        return _forest(int(said["max_feature_idx"]) + 1, classes if classes > 1 else 0)
    except (ValueError, LookupError) as error:
        fix = 'save it with LightGBM: model.booster_.save_model("model.txt")'
        raise _not_forest(file, shown, "a model of LightGBM as text", fix) from error


def inspect_checkpoint(file: Path, shown: str) -> Inspection:
    """Return the tensors of a Treelite checkpoint, if Treelite is installed."""
    return _by_treelite(file, shown, lambda treelite: treelite.Model.deserialize(str(file)))


def inspect_ubjson(file: Path, shown: str) -> Inspection:
    """Return the tensors of XGBoost's binary JSON, if Treelite is installed."""
    return _by_treelite(
        file,
        shown,
        lambda treelite: treelite.frontend.load_xgboost_model(str(file), format_choice="ubjson"),
    )


def inspect_legacy(file: Path, shown: str) -> Inspection:
    """Return the tensors of XGBoost's older binary format, if Treelite is installed."""
    return _by_treelite(
        file,
        shown,
        lambda treelite: treelite.frontend.load_xgboost_model_legacy_binary(str(file)),
    )


def _by_treelite(file: Path, shown: str, load: Any) -> Inspection:
    """Read with Treelite; what this version of it can't read, Triton's may."""
    unread(file, shown)
    try:
        import treelite

        model = load(treelite)
        (classes,) = model.get_header_accessor().get_field("num_class")
    except (ImportError, AttributeError, ValueError):
        return Inspection()
    except treelite.TreeliteError:
        return Inspection()
    return _forest(int(model.num_feature), int(classes) if classes > 1 else 0)


def _not_forest(file: Path, shown: str, what: str, fix: str) -> SpecError:
    looks = describe(file)
    found = f"is {looks}" if looks in REMEDIES or looks == "empty" else f"is not {what}"
    why = "FIL could not load it"
    return SpecError.of("TG056", f"{shown} {found}", why=why, fix=REMEDIES.get(looks, fix))


def _forest(features: int, classes: int) -> Inspection:
    """Return the tensors with one output value for each class, as ``predict_proba`` gives them."""
    return Inspection(
        inputs=(TensorFacts(name=INPUT, data_type="TYPE_FP32", shape=(-1, features)),),
        outputs=(TensorFacts(name=OUTPUT, data_type="TYPE_FP32", shape=(-1, max(classes, 1))),),
    )


def _refine(config: ModelConfig, found: Inspection) -> Inspection:
    """Choose the output by ``predict_proba``; of two classes it is unknown: releases differ."""
    if not found.inputs or not found.outputs:
        return found
    if value(config, "parameters.predict_proba") != "true":
        one = TensorFacts(name=OUTPUT, data_type="TYPE_FP32", shape=(-1, 1))
        return Inspection(inputs=found.inputs, outputs=(one,))
    classes = (found.outputs[0].shape or (-1, 1))[1]
    return found if classes > 2 else Inspection()


def _errors(config: ModelConfig, _: object) -> Iterator[Problem]:
    allowed = {"input": (INPUT,), "output": (OUTPUT, SHAP)}
    for section, name, data_type in declared(config):
        if name not in allowed[section]:
            main = allowed[section][0]
            message = f"FIL calls its {section} {main}"
            yield Problem(section=section, name=name, message=message, fix=f"call it {main}")
        elif data_type != DataType.TYPE_FP32:
            message = "FIL takes and gives FP32 only"
            yield Problem(section=section, name=name, message=message, fix="declare it FP32")


def _missing(config: ModelConfig) -> Iterator[tuple[str, str]]:
    """FIL has no default for what kind of model it serves, nor for the threshold of classes."""
    said = value(config, "parameters.is_classifier") or value(config, "parameters.output_class")
    if not said:
        yield "output_class", "true for classes, false for numbers (is_classifier from 25.09)"
    if said == "true" and not value(config, "parameters.threshold"):
        yield "threshold", "0.5"


def _format(file: str, model_type: str, suffix: str, inspect: Any, reader: str = "") -> Format:
    return Format(
        file=file,
        also=(suffix,),
        settings={"parameters.model_type": model_type},
        inspect=inspect,
        reader=reader,
    )


BACKEND = Backend(
    name="fil",
    formats=(
        _format("xgboost.model", "xgboost", ".model", inspect_legacy, TREELITE),
        _format("xgboost.json", "xgboost_json", ".json", inspect_xgboost),
        _format("xgboost.ubj", "xgboost_ubj", ".ubj", inspect_ubjson, TREELITE),
        _format("model.txt", "lightgbm", ".txt", inspect_lightgbm),
        _format("checkpoint.tl", "treelite_checkpoint", ".tl", inspect_checkpoint, TREELITE),
    ),
    kinds=frozenset({"KIND_CPU", "KIND_GPU"}),
    completes=False,
    batches="always",
    parameters={
        "model_type": one_of(
            "xgboost", "xgboost_json", "xgboost_ubj", "lightgbm", "treelite_checkpoint"
        ),
        "is_classifier": EXACTLY,
        "output_class": EXACTLY,
        "predict_proba": EXACTLY,
        "use_experimental_optimizations": EXACTLY,
        "xgboost_allow_unknown_field": EXACTLY,
    }
    | {"threshold": Values("a number", r"\s*[+-]?\.?\d.*")}
    | dict.fromkeys(
        (
            "chunk_size",
            "layout",
            "transfer_threshold",
            "algo",
            "storage_type",
            "blocks_per_sm",
            "threads_per_tree",
        ),
        TEXT,
    ),
    errors=_errors,
    missing=_missing,
    refine=_refine,
)
