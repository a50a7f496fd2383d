"""What can be wrong with a spec's form: one stable code each, with the page that explains it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Code:
    """A kind of reading error; ``page`` is its paragraph in ``docs/reference/findings.md``."""

    code: str
    title: str
    page: str


FILE = Code(
    code="TG001",
    title="The file cannot be read",
    page="The spec, or a file that it asks to be read at once (`requirements: pip.txt`), is "
    "missing, is a folder, may not be read by you, is empty, or is larger than any spec could "
    "be. Nothing else is checked until it can be read.",
)
ENCODING = Code(
    code="TG002",
    title="The file is not UTF-8",
    page="A spec is text in UTF-8; a byte order mark and Windows line ends are accepted. The place "
    "names the first byte that is not UTF-8. Save the file as UTF-8 in your editor.",
)
SYNTAX = Code(
    code="TG003",
    title="Not YAML",
    page="The text breaks YAML's own rules. The usual causes are a tab used to indent, a quote "
    "that is never closed, a line indented differently from its neighbours, and brackets "
    'inside `{}` or `[]` without quotes: write `{content: "BYTES[1]"}`.',
)
DOCUMENT = Code(
    code="TG004",
    title="Not one mapping",
    page="A spec is one YAML document whose top level is a mapping (`name: ...`, `models: ...`), "
    "its keys are plain text, and it uses no YAML tags (`!!python/...`): each value is read "
    "by the type expected where it stands.",
)
DUPLICATE = Code(
    code="TG005",
    title="A key is written twice",
    page="The same key occurs twice in one mapping, so one of the two values would be lost. Keep "
    "one. Where a model really has two tensors of one name, write them as a list: `output: "
    "[{scores: FP32[1]}, {scores: FP32[1]}]`.",
)
STRUCTURE = Code(
    code="TG006",
    title="Aliases or nesting out of bounds",
    page="An alias (`*name`) refers to an anchor that does not exist or that contains the alias "
    "itself, a `<<` merges something that is not a mapping, aliases multiply the file beyond "
    "any use, or values are nested deeper than anything a spec can say.",
)
NOTHING = Code(
    code="TG007",
    title="Nothing after a colon",
    page="A key without a value is nearly always a line that was never finished, so it is refused. "
    'Write the value, `{}` for a message without fields, `null` for «not said», or `""` for '
    "empty text.",
)
UNDEFINED = Code(
    code="TG008",
    title="An undefined `${NAME}`",
    page="`${NAME}` is replaced from the environment, else from the top-level `vars:`; this name "
    "is in neither. Set it, or give a default: `${NAME:-default}`. A literal `${` is written "
    "`$${`.",
)
UNKNOWN_KEY = Code(
    code="TG009",
    title="An unknown key",
    page="The key is neither one of the language's own nor a field of Triton's `ModelConfig` at "
    "this place. It is refused because a misspelled setting that is silently ignored is found "
    "out in production.",
)
TYPE = Code(
    code="TG011",
    title="A value of another type",
    page="The value is not of the type expected at its place: text where a number belongs, a list "
    "where a mapping belongs, a number that does not fit the field. Numbers are written in "
    "decimal digits; flags are `true` or `false`.",
)
CHOICE = Code(
    code="TG012",
    title="Not one of the values allowed",
    page="The field takes one of a few names. Triton's enums are written by their full name "
    "(`KIND_GPU`) or without the prefix that all of them share (`gpu`); data types as in "
    "config.pbtxt (`TYPE_FP32`) or in the protocol (`FP32`, `BYTES`).",
)
EXCLUSIVE = Code(
    code="TG013",
    title="Keys that exclude each other",
    page="Two keys stand together of which only one may: two schedulers, two sources of one model, "
    "zeros and a file as an initial state. Keep the one you mean.",
)
MISSING = Code(
    code="TG014",
    title="A key is missing",
    page="Something that has no default was not said: where a model comes from, the steps of an "
    "ensemble, the model of a step.",
)
TENSOR = Code(
    code="TG015",
    title="Not a tensor",
    page="A tensor is written `name: TYPE[dims]`, then any of `optional`, `ragged`, "
    "`reshape[dims]`, `nhwc`, `nchw`; for instance `image: FP32[3, 224, 224] nchw`. "
    "Dimensions are whole numbers, -1 where they vary, without the batch dimension if the "
    "model batches.",
)
NAME = Code(
    code="TG016",
    title="A name that cannot be served",
    page="A model's name becomes a folder and part of a URL that Triton does not decode: letters, "
    "digits, `.`, `_` and `-`, starting with a letter or digit.",
)
TAKEN = Code(
    code="TG017",
    title="A name that is taken",
    page="Models and ensembles share one model repository, so a name may occur only once among "
    "both of them.",
)
RELEASE = Code(
    code="TG018",
    title="An unknown release of Triton",
    page="`triton:` names the container release (`24.10`) that files are rendered for. What a "
    "release has and can load comes from a table; this one is not in it.",
)
PATH = Code(
    code="TG019",
    title="A path that leaves the model's folder",
    page="The keys of `files:` are places inside the model's folder: relative, with forward "
    "slashes, without `..`. `config.pbtxt` is written by tritongen and cannot be replaced.",
)
VERSION = Code(
    code="TG020",
    title="Not a model version",
    page="A version is a folder name that Triton reads as a 64-bit number: 0 or a positive number "
    "without leading zeros. Anything else is skipped by Triton with a warning at most.",
)
PYTHON = Code(
    code="TG021",
    title="Not a Python step",
    page="`python:` is `file.py:function` for a plain function on numpy batches, or `file.py` for "
    "a file that holds a `TritonPythonModel`.",
)
LANGUAGE = Code(
    code="TG022",
    title="Another version of the language",
    page="`tritongen:` names the version of the spec language. This program reads version 1.",
)
OWN = Code(
    code="TG023",
    title="An option that is not said in a spec",
    page="Most of tritonserver's options are keys of `server:`. A few follow from the rest of the "
    "spec (where the models lie, which addresses are listened on), and some are deprecated names "
    "of others. The message says what to write instead.",
)

CODES = (
    FILE, ENCODING, SYNTAX, DOCUMENT, DUPLICATE, STRUCTURE, NOTHING, UNDEFINED, UNKNOWN_KEY,
    TYPE, CHOICE, EXCLUSIVE, MISSING, TENSOR, NAME, TAKEN, RELEASE, PATH, VERSION, PYTHON,
    LANGUAGE, OWN,
)  # fmt: skip
