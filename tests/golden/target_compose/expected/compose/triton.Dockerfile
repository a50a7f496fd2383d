# Triton with what the Python steps need (`requirements:` in the spec).
FROM nvcr.io/nvidia/tritonserver:25.06-py3@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
COPY triton.requirements.txt /opt/requirements.txt
# The interpreter is the one that Triton starts Python models with, so its own packages are used.
RUN PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install --no-cache-dir --require-hashes \
      --requirement /opt/requirements.txt
