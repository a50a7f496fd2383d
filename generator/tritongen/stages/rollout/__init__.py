"""Change without loss: a running stack is brought to its files one replica at a time.

A replica is drained at the gateway, replaced by a container that reads the new files (or told to
load them, where models are controlled explicitly), verified with sample requests past the gateway,
and given requests again. If one fails, the files go back to what they were and so does every
replica that was changed. A stack of one replica gets a second one for the time.
"""

from tritongen.stages.rollout.checks import Check, checks, unasked
from tritongen.stages.rollout.control import Control, control
from tritongen.stages.rollout.files import (
    digest,
    forget,
    keep,
    manifest_at,
    manifest_of,
    note_served,
    served,
)
from tritongen.stages.rollout.others import settle
from tritongen.stages.rollout.replica import Move, Stack, Terms
from tritongen.stages.rollout.roll import Change, Outcome, roll, stale

__all__ = [
    "Change",
    "Check",
    "Control",
    "Move",
    "Outcome",
    "Stack",
    "Terms",
    "checks",
    "control",
    "digest",
    "forget",
    "keep",
    "manifest_at",
    "manifest_of",
    "note_served",
    "roll",
    "served",
    "settle",
    "stale",
    "unasked",
]
