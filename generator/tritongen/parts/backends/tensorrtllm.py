"""TensorRT-LLM: its engine lies in a folder that a parameter names."""

from tritongen.parts.backends._backend import TEXT, Backend

BACKEND = Backend(
    name="tensorrtllm",
    completes=False,
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
