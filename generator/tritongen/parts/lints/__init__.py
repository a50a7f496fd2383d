"""The lints: one module each, its docstring is its page in the documentation.

A lint looks at a whole plan and complains about values in the spec. It is an error only where
Triton refuses, hangs, dies or answers wrongly; advice is a warning. TG1xx speak of models, TG2xx
of ensembles, TG3xx of speed, TG4xx of where it will run, TG5xx of safety.
"""

from collections.abc import Iterator
from typing import Protocol

from tritongen.parts.lints import (
    tg101_fixed_batch,
    tg102_onnx_too_new,
    tg103_not_in_file,
    tg104_file_type,
    tg105_file_dims,
    tg106_input_missing,
    tg107_unsupported_type,
    tg108_step_parameters,
    tg109_tensors_missing,
    tg110_tensor_rules,
    tg111_release,
    tg112_labels,
    tg113_scheduler,
    tg114_no_version,
    tg115_optional_batching,
    tg116_platform,
    tg117_instance_group,
    tg118_metric_tags,
    tg119_response_cache,
    tg130_sequence_batching,
    tg131_sequence_state,
    tg132_batch_tensors,
    tg133_warmup,
    tg134_version_folder,
    tg135_python_parameters,
    tg136_shared_cache,
    tg138_model_metrics,
    tg140_instance_count,
    tg141_missing_version,
    tg144_partial_cache,
    tg204_edge_type,
    tg206_edge_shape,
    tg207_ensemble_batch,
    tg208_mixed_batching,
    tg209_step_tensor,
    tg211_optional_into_required,
    tg212_decoupled_origin,
    tg213_pinned_version,
    tg214_rename_missing,
    tg215_ensemble_fields,
    tg216_step_idle,
    tg217_input_unused,
    tg218_ignored_fields,
    tg219_hidden_mismatch,
    tg301_cpu_threads,
    tg302_capped_batch,
    tg303_long_delay,
    tg304_inner_queue,
    tg305_varying_batch,
    tg306_idle_setting,
    tg307_one_sequence,
    tg401_shared_memory,
    tg402_large_request,
    tg403_numpy,
    tg501_unverified_download,
    tg502_secret,
)
from tritongen.records.finding import Complaint, Severity
from tritongen.records.plan import Plan


class Lint(Protocol):
    """What a lint's module has besides its docstring."""

    @property
    def SEVERITY(self) -> Severity:  # noqa: N802 - a module's constant
        """Whether its complaints are errors or warnings."""

    def check(self, plan: Plan) -> Iterator[Complaint]:
        """Yield what is wrong; the paths say where it stands in the spec."""


LINTS: dict[str, Lint] = {
    "TG101": tg101_fixed_batch,
    "TG102": tg102_onnx_too_new,
    "TG103": tg103_not_in_file,
    "TG104": tg104_file_type,
    "TG105": tg105_file_dims,
    "TG106": tg106_input_missing,
    "TG107": tg107_unsupported_type,
    "TG108": tg108_step_parameters,
    "TG109": tg109_tensors_missing,
    "TG110": tg110_tensor_rules,
    "TG111": tg111_release,
    "TG112": tg112_labels,
    "TG113": tg113_scheduler,
    "TG114": tg114_no_version,
    "TG115": tg115_optional_batching,
    "TG116": tg116_platform,
    "TG117": tg117_instance_group,
    "TG118": tg118_metric_tags,
    "TG119": tg119_response_cache,
    "TG130": tg130_sequence_batching,
    "TG131": tg131_sequence_state,
    "TG132": tg132_batch_tensors,
    "TG133": tg133_warmup,
    "TG134": tg134_version_folder,
    "TG135": tg135_python_parameters,
    "TG136": tg136_shared_cache,
    "TG138": tg138_model_metrics,
    "TG140": tg140_instance_count,
    "TG141": tg141_missing_version,
    "TG144": tg144_partial_cache,
    "TG204": tg204_edge_type,
    "TG206": tg206_edge_shape,
    "TG207": tg207_ensemble_batch,
    "TG208": tg208_mixed_batching,
    "TG209": tg209_step_tensor,
    "TG211": tg211_optional_into_required,
    "TG212": tg212_decoupled_origin,
    "TG213": tg213_pinned_version,
    "TG214": tg214_rename_missing,
    "TG215": tg215_ensemble_fields,
    "TG216": tg216_step_idle,
    "TG217": tg217_input_unused,
    "TG218": tg218_ignored_fields,
    "TG219": tg219_hidden_mismatch,
    "TG301": tg301_cpu_threads,
    "TG302": tg302_capped_batch,
    "TG303": tg303_long_delay,
    "TG304": tg304_inner_queue,
    "TG305": tg305_varying_batch,
    "TG306": tg306_idle_setting,
    "TG307": tg307_one_sequence,
    "TG401": tg401_shared_memory,
    "TG402": tg402_large_request,
    "TG403": tg403_numpy,
    "TG501": tg501_unverified_download,
    "TG502": tg502_secret,
}
