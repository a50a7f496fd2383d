"""Random settings of a Python model, without those that Triton dies of."""

import re
from random import Random
from typing import Any

Setting = dict[str, Any]


def config(random: Random) -> Setting:
    """Return the fields of an entry that differ from a plain model's."""
    entry: Setting = {"max_batch_size": random.choice((0, 1, 4, 4, 8))}
    entry["input"] = {"x": _tensor(random), "z": _tensor(random)}
    entry["output"] = {"y": _tensor(random)}
    if random.random() < 0.8:
        entry |= random.choice((_dynamic, _dynamic, _sequences))(random)
    for make in (_instances, _versions, _cache, _batch):
        if random.random() < 0.15:
            entry |= make(random)
    if random.random() < 0.3:
        entry |= _warmup(random, entry)
    return entry


def _tensor(random: Random) -> Any:
    dims = [random.choice((1, 2, 4, -1)) for _ in range(random.choice((1, 1, 2, 3)))]
    if random.random() < 0.03:
        dims[0] = random.choice((0, -2))
    if random.random() < 0.85:
        return "FP32" + _short(dims)
    shape = list(dims)
    change = random.choice(("same", "shuffle", "split", "empty", "other"))
    if change == "shuffle":
        random.shuffle(shape)
    elif change == "split" and shape[0] == 4:
        shape[:1] = [2, 2]
    elif change == "empty":
        shape = []
    elif change == "other":
        shape[-1] = random.choice((1, 2, -1))
    return f"FP32{_short(dims)} reshape{_short(shape)}"


def _short(dims: list[int]) -> str:
    return f"[{','.join(map(str, dims))}]"


def _policy(random: Random) -> Setting:
    return {
        "timeout_action": random.choice(("REJECT", "DELAY")),
        "default_timeout_microseconds": random.choice((0, 100)),
        "max_queue_size": random.choice((0, 4)),
    }


def _dynamic(random: Random) -> Setting:
    batching: Setting = {}
    if random.random() < 0.4:
        batching["preferred_batch_size"] = random.sample((1, 1, 2, 4, 8, 0), random.randint(1, 2))
    if random.random() < 0.5:
        batching["preserve_ordering"] = random.random() < 0.7
    if random.random() < 0.4:
        batching["priority_levels"] = random.choice((1, 2))
        batching["default_priority_level"] = random.choice((0, 1, 1, 2))
    if random.random() < 0.4:
        batching["default_queue_policy"] = _policy(random)
    if random.random() < 0.4:
        batching["priority_queue_policy"] = {random.choice((0, 1, 1, 2)): _policy(random)}
    return {"dynamic_batching": batching}


def _control(random: Random) -> Setting:
    kind = random.choice(("START", "END", "READY", "CORRID"))
    control: Setting = {"kind": f"CONTROL_SEQUENCE_{kind}"}
    usual = kind != "CORRID"
    for values, pair in (("int32_false_true", [0, 1]), ("bool_false_true", [False, True])):
        if usual if random.random() < 0.85 else random.random() < 0.5:
            control[values] = pair if random.random() < 0.95 else pair[:1]
        usual = False
    if (kind == "CORRID") if random.random() < 0.85 else random.random() < 0.5:
        control["data_type"] = random.choice(("UINT64", "INT32", "STRING", "FP32"))
    return control


def _state(random: Random) -> Setting:
    dims = [random.choice((1, 2, -1))]
    state: Setting = {"input_name": "i", "output_name": "o", "data_type": "FP32", "dims": dims}
    if random.random() < 0.6:
        initial: Setting = {
            "data_type": random.choice(("FP32", "FP32", "INT32")),
            "dims": [random.choice((1, 2, 2, -1))],
        }
        if random.random() < 0.8:
            initial["name"] = "zero"
        if random.random() < 0.8:
            initial["zero_data"] = True
        state["initial_state"] = [initial] * random.choice((1, 1, 1, 2))
    return state


def _sequences(random: Random) -> Setting:
    batching: Setting = {}
    if random.random() < 0.4:
        batching["direct"] = {"minimum_slot_utilization": random.choice((0, 0.5, 1, 1.5, -0.5))}
    elif random.random() < 0.6:
        sizes = random.sample((1, 2, 4, 8, 0), random.randint(0, 2))
        batching["oldest"] = {"max_candidate_sequences": 4, "preferred_batch_size": sizes}
    names = ["s", "t", "s", "u", ""]
    batching["control_input"] = [
        {"name": names[number if random.random() < 0.9 else -1], "control": [_control(random)]}
        for number in range(random.choice((0, 1, 1, 2, 3)))
    ]
    if random.random() < 0.3:
        batching["state"] = [_state(random)]
    return {"sequence_batching": batching}


def _instances(random: Random) -> Setting:
    group: Setting = {"kind": random.choice(("cpu", "cpu", "model")), "count": 1}
    if random.random() < 0.2:
        group["gpus"] = [0]
    if random.random() < 0.1:
        group["profile"] = ["0"]
    return {"instance_group": [group]}


def _warmup(random: Random, entry: Setting) -> Setting:
    inputs: Setting = {}
    for name, tensor in entry["input"].items():
        dims = [int(dim) for dim in re.findall(r"-?\d+", tensor.partition(" ")[0][4:] or "1")]
        fixed = [2 if dim == -1 else dim for dim in dims]
        given: Setting = {"data_type": "FP32", "dims": fixed, "zero_data": True}
        spoil = random.choice(("", "", "", "", "", "", "dims", "open", "type", "data", "absent"))
        if spoil == "dims":
            given["dims"] = [*fixed, 1]
        elif spoil == "open":
            given["dims"] = [-1, *fixed[1:]]
        elif spoil == "type":
            given["data_type"] = "INT32"
        elif spoil == "data":
            del given["zero_data"]
        if spoil != "absent":
            inputs[name] = given
    size = random.choice((0, 1, 1, max(entry["max_batch_size"], 1)))
    return {"model_warmup": [{"name": "w", "batch_size": size, "inputs": inputs}]}


def _versions(random: Random) -> Setting:
    policy: Setting = random.choice(
        (
            {"latest": {"num_versions": random.choice((0, 1, 2))}},
            {"all": {}},
            {"specific": {"versions": random.sample((1, 2, 3), random.randint(1, 2))}},
        )
    )
    return {"version_policy": policy}


def _cache(random: Random) -> Setting:
    decoupled = {"model_transaction_policy": {"decoupled": random.random() < 0.5}}
    return decoupled | {"response_cache": {"enable": random.random() < 0.8}}


def _batch(random: Random) -> Setting:
    item: Setting = {
        "kind": "BATCH_ELEMENT_COUNT",
        "target_name": "n",
        "data_type": random.choice(("INT32", "FP32", "INT64")),
        "source_input": random.choice((["x"], ["z"], ["q"], [], ["x", "z"])),
    }
    scatter = {
        "kind": "BATCH_SCATTER_WITH_INPUT_SHAPE",
        "target_name": random.choice(("y", "y", "q")),
        "source_input": random.choice((["x"], ["q"], [])),
    }
    return {"batch_input": [item]} if random.random() < 0.6 else {"batch_output": [scatter]}
