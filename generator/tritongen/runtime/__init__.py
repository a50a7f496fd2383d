"""What runs outside our process, inside Triton: copied into deployments, importing nothing of ours.

Python 3.10 syntax (the interpreter of the 24.10 container). Only numpy, the Python backend's
``triton_python_backend_utils`` and, in the ONNX Runtime backend, ``onnxruntime`` and ``onnx`` are
imported.
"""
