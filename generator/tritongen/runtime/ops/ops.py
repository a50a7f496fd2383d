"""Controls a closed stack from the inside: told over standard input, it answers line by line.

`tritongen rollout` runs it as the one-shot service `ops`. Each line is a JSON object; `do` says
what, and one line answers it, with `error` if it went wrong. When there is no more to read, because
who asked is done or gone, every replica that was taken out of the gateway's hands is given back.

    {"do": "servers"}                                         what the gateway knows
    {"do": "set", "state": "drain", "servers": [["triton_http", "triton1"], ...]}
    {"do": "busy"}                                            requests under way, by server
    {"do": "call", "address": "HOST:8001", "method": "ModelInfer", "request": BASE64,
     "timeout_s": 60, "keys": {HEADER: VARIABLE}}             one call of one Triton
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

from ops_gateway import Gateway
from ops_triton import call

Asked = Mapping[str, Any]
Answer = Mapping[str, Any]


def main() -> None:
    """Answer what is asked until there is no more."""
    # The one who asks decides when it is over, also where Ctrl-C reaches us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    gateway = Gateway(sys.argv[1] if len(sys.argv) > 1 else "/run/gateway/admin.sock")
    answers: Mapping[str, Callable[[Asked], Answer]] = {
        "servers": lambda asked: {"servers": gateway.servers()},
        "set": lambda asked: gateway.set(asked["state"], asked["servers"]),
        "busy": lambda asked: {"busy": gateway.busy()},
        "call": _call,
    }
    try:
        for line in sys.stdin:
            sys.stdout.write(json.dumps(_answer(answers, line)) + "\n")
            sys.stdout.flush()
    finally:
        gateway.give_back()


def _answer(answers: Mapping[str, Callable[[Asked], Answer]], line: str) -> Answer:
    try:
        asked = json.loads(line)
        return answers[asked["do"]](asked)
    except Exception as error:  # whatever it is, who asked has to decide
        return {"error": f"{type(error).__name__}: {error}"}


def _call(asked: Asked) -> Answer:
    # What opens a closed part of the protocol stands in the environment, never in a message.
    keys = asked.get("keys", {}).items()
    headers = {name: os.environ[variable] for name, variable in keys}  # noqa: TID251
    return call(asked["address"], asked["method"], asked["request"], headers, asked["timeout_s"])


if __name__ == "__main__":
    main()
