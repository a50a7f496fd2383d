"""TensorRT-LLM: its engine lies in a folder that a parameter names, with a config.json."""

import json
from pathlib import Path

from tritongen.errors import SpecError
from tritongen.parts.backends._backend import TEXT, Backend, Format
from tritongen.records.facts import Inspection, TensorFacts
from tritongen.records.messages import ModelConfig

FILE = "config.json"
ENGINE = frozenset({"build_config", "builder_config"})
"""What an engine was built with: of today's engines, and of those before TensorRT-LLM 0.8."""
INT = "TYPE_INT32"
DECODER = Inspection(
    inputs=(
        TensorFacts(name="input_ids", data_type=INT, shape=(-1, -1)),
        TensorFacts(name="input_lengths", data_type=INT, shape=(-1,)),
        TensorFacts(name="request_output_len", data_type=INT, shape=(-1, 1)),
    ),
    outputs=(
        TensorFacts(name="output_ids", data_type=INT, shape=(-1, -1, -1)),
        TensorFacts(name="sequence_length", data_type=INT, shape=(-1, -1)),
    ),
)
"""What every request has to say and every answer has; the many optional ones can be declared."""


def inspect(file: Path, shown: str) -> Inspection:
    """Return the tensors of an engine; none for a ``config.json`` of something else."""
    try:
        said = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise SpecError.of(
            "TG056",
            f"{shown} is not JSON: {error}",
            why="TensorRT-LLM reads there how the engine was built",
            fix="give the folder that trtllm-build wrote",
        ) from error
    return DECODER if isinstance(said, dict) and ENGINE & said.keys() else Inspection()


def _refine(config: ModelConfig, found: Inspection) -> Inspection:
    """Take the tensors that are declared: an engine does not say which optional ones are wanted."""
    return Inspection() if config.input or config.output else found


BACKEND = Backend(
    name="tensorrtllm",
    formats=(Format(file=FILE, also=(".json",), inspect=inspect, compared=False, needed=False),),
    completes=False,
    refine=_refine,
    parameters=dict.fromkeys(
        (
            "FORCE_CPU_ONLY_INPUT_TENSORS",
            "batch_scheduler_policy",
            "batching_strategy",
            "decoding_mode",
            "enable_chunked_context",
            "enable_kv_cache_reuse",
            "enable_trt_overlap",
            "encoder_model_path",
            "exclude_input_in_output",
            "executor_worker_path",
            "gpt_model_path",
            "gpt_model_type",
            "gpu_device_ids",
            "gpu_weights_percent",
            "guided_decoding_backend",
            "kv_cache_free_gpu_mem_fraction",
            "kv_cache_host_memory_bytes",
            "lora_cache_gpu_memory_fraction",
            "max_attention_window_size",
            "max_beam_width",
            "max_queue_size",
            "max_tokens_in_paged_kv_cache",
            "normalize_log_probs",
            "participant_ids",
            "sink_token_length",
            "tokenizer_dir",
            "xgrammar_tokenizer_info_path",
        ),
        TEXT,
    ),
)
