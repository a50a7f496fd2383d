# the runner: tritongen/runtime/step.py
