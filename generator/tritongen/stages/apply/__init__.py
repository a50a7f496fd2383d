"""Turns a tree into files in the user's own folder: compared, then written all or nothing."""

from tritongen.stages.apply.diff import diff
from tritongen.stages.apply.drift import drift, unified
from tritongen.stages.apply.password import make_password
from tritongen.stages.apply.write import apply, recover

__all__ = ["apply", "diff", "drift", "make_password", "recover", "unified"]
