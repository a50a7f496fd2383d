"""The engines: where a spec is served."""
