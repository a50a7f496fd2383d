"""Turns a tree into files in the user's own folder: compared, then written all or nothing."""

from tritongen.stages.apply.diff import diff
from tritongen.stages.apply.drift import drift, unified
from tritongen.stages.apply.write import apply, recover

__all__ = ["apply", "diff", "drift", "recover", "unified"]
