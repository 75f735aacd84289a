"""All that an operator decides, in one model and one file; see `core.answers.model`."""

from core.answers.file import dump_answers, load_answers, read_answers, save_answers
from core.answers.forms import SECTIONS, error_text, field_help, field_label, validate_field
from core.answers.model import (
    VERSION,
    AdminMachineAnswers,
    Answers,
    ArtifactAnswers,
    ClusterAnswers,
    CredentialAnswers,
    CredentialSource,
    MappingAnswer,
    OsFamily,
    OutputAnswers,
    Provider,
    RegistryAnswers,
    TransferAnswers,
)
from core.answers.values import Bytes, parse_bytes, take_apart

__all__ = [
    "SECTIONS",
    "VERSION",
    "AdminMachineAnswers",
    "Answers",
    "ArtifactAnswers",
    "Bytes",
    "ClusterAnswers",
    "CredentialAnswers",
    "CredentialSource",
    "MappingAnswer",
    "OsFamily",
    "OutputAnswers",
    "Provider",
    "RegistryAnswers",
    "TransferAnswers",
    "dump_answers",
    "error_text",
    "field_help",
    "field_label",
    "load_answers",
    "parse_bytes",
    "read_answers",
    "save_answers",
    "take_apart",
    "validate_field",
]
