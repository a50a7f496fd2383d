"""From a model's configuration and what the user said to the arrays of one request."""

from tritongen.stages.infer.body import Body, read_body
from tritongen.stages.infer.generate import generate
from tritongen.stages.infer.inputs import gather, given
from tritongen.triton.signature import Signature, signature

__all__ = ["Body", "Signature", "gather", "generate", "given", "read_body", "signature"]
