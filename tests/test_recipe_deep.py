"""The deep recipe without torch: it says what is missing before any work is done."""

import sys

import pytest

from zhiyin.errors import MissingExtra
from zhiyin.models.base import Run
from zhiyin.recipe import DefaultRecipe
from zhiyin.testing.encoders import HashEncoder
from zhiyin.testing.small import small_dataset


def test_without_torch_the_deep_recipe_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(
        MissingExtra, match=r"torch is not installed: pip install 'zhiyin\[train\]' and pip install"
    ):
        DefaultRecipe(deep=True).fit(small_dataset(), Run(HashEncoder()))


@pytest.mark.slow
def test_without_torch_the_default_recipe_is_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    fitted = DefaultRecipe().fit(small_dataset(), Run(HashEncoder()))
    assert "sequence" not in fitted.models
