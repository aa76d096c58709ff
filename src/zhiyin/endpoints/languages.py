"""Languages as a model is told them: by name, for a code alone says little to a small one."""

from __future__ import annotations

from collections.abc import Mapping

NAMES: Mapping[str, str] = {
    "ar": "Arabic", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish",
    "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian", "id": "Indonesian",
    "it": "Italian", "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "no": "Norwegian", "pl": "Polish",
    "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sv": "Swedish", "th": "Thai", "tr": "Turkish",
    "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Simplified Chinese", "zh-tw": "Traditional Chinese",
    "zh-hk": "Traditional Chinese", "zh-hant": "Traditional Chinese",
}  # fmt: skip


def language_of(code: str) -> str:
    """The name of a code such as fr, pt-BR or zh_CN; what is no code that we know is taken for a name."""
    told = code.strip().lower().replace("_", "-")
    return NAMES.get(told) or NAMES.get(told.partition("-")[0]) or code.strip()
