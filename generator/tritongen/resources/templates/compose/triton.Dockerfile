# Triton with what the Python steps need (`requirements:` in the spec).
FROM {{ image }}
COPY triton.requirements.txt /opt/requirements.txt
# The interpreter is the one that Triton starts Python models with, so its own packages are used.
RUN PIP_BREAK_SYSTEM_PACKAGES=1 python3 -m pip install --no-cache-dir{{ " --require-hashes" if hashed }} \
      --requirement /opt/requirements.txt
