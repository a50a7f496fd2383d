"""tritongen: from one YAML spec to everything that serves models on Triton."""

__version__ = "0.1.0"
