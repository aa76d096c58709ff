"""What of a language model learns: by peft, by the biases alone, or all of it; and the weights that come of it.

LoRA (Hu et al. 2021), AdaLoRA (Zhang et al. 2023), (IA)³ (Liu et al. 2022; peft has no adapter of Houlsby et al.
2019, whose wide layers cannot be folded into the weights, and this is the nearest), prefix tuning (Li & Liang
2021; places are counted as without the prefix), BitFit (Ben Zaken et al. 2021).
"""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from zhiyin._extras import need
from zhiyin.data.dataset import Floats
from zhiyin.encoders.bert import DENSE, PREFIX_KEY, PREFIX_VALUE, Names, Shape
from zhiyin.errors import InvalidSettings
from zhiyin.training.tower_net import TowerNet
from zhiyin.training.tower_recipe import TowerRecipe

LOUDNESS = 2  # alpha / rank of low-rank additions
SMALL = 0.02  # size of a prefix at first
ORTHOGONAL = 0.5  # weight of how far AdaLoRA's factors are from orthogonal, as in its paper


def with_method(net: TowerNet, recipe: TowerRecipe, shape: Shape) -> TowerNet:
    """The same net, of which that learns what `recipe.method` says, and nothing else.

    Raises MissingExtra without peft, InvalidSettings where a family of nets has no room for the method.
    """
    learns = re.compile(rf".*{_upper(recipe, shape)}.*" if upper_layers(recipe, shape) else "(?!.*pooler\\.).*")
    for name, one in net.named_parameters():
        one.requires_grad_(recipe.method == "full" and bool(learns.match(name)))
    if net.dense is not None:
        net.dense.requires_grad_(True)
    match recipe.method:
        case "full" | "dense":
            return net
        case "bitfit":
            for name, one in net.inner.named_parameters():
                one.requires_grad_(name.endswith(".bias") and bool(learns.match(name)))
        case "prefix":
            net.inner = Prefixed(net.inner, shape, recipe.rank)
        case _:
            peft = need("peft", extra="train")
            with warnings.catch_warnings():  # peft still asks transformers by names that will go
                warnings.simplefilter("ignore", FutureWarning)
                net.inner = peft.get_peft_model(net.inner, _config(peft, recipe, shape))
    return net


def learned(net: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that learn, by name."""
    return {name: one for name, one in net.named_parameters() if one.requires_grad}


def plan(net: nn.Module, steps: int) -> None:
    """Tell AdaLoRA how many steps there will be: its rank falls until the last but a fifth."""
    if (allocator := _allocator(net)) is not None:
        config = allocator.peft_config
        config.tinit, config.tfinal = steps // 10, 0
        config.total_step = steps
        allocator.set_total_step(steps)


def after_step(net: nn.Module, step: int) -> None:
    """What a method does with the gradients of a step that was taken: AdaLoRA weighs its ranks."""
    if (allocator := _allocator(net)) is not None:
        allocator.update_and_allocate(net.inner.base_model.model, step)


def held_straight(net: TowerNet) -> Tensor | None:
    """What is added to the loss for AdaLoRA's factors to stay orthogonal (eq. 4); None of other methods."""
    if _allocator(net) is None:
        return None
    total, n = torch.zeros((), device=net.device), 0
    for name, one in net.named_parameters():
        if "lora_A" in name or "lora_B" in name:
            product = one @ one.T if "lora_A" in name else one.T @ one
            total = total + torch.linalg.norm(product - torch.eye(len(product), device=one.device))
            n += 1
    return ORTHOGONAL * total / max(n, 1)


def state_of(net: nn.Module) -> dict[str, Tensor]:
    """What a method remembers beside the parameters."""
    if (allocator := _allocator(net)) is None:
        return {}
    return {f"{part}.{name}": one for part in _REMEMBERED for name, one in getattr(allocator, part).items()}


def restore_state(net: nn.Module, kept: Mapping[str, Tensor]) -> None:
    """The other way."""
    if (allocator := _allocator(net)) is None:
        return
    for part in _REMEMBERED:
        found = {name.removeprefix(f"{part}."): one for name, one in kept.items() if name.startswith(f"{part}.")}
        setattr(allocator, part, found)


def merged(net: TowerNet, shape: Shape) -> dict[str, Floats]:
    """All weights by the family's own names, what was learned folded into them; `net` stays as it is."""
    inner, on_top = net.inner, {}
    if net.dense is not None:
        on_top = {f"{DENSE}.{name}": one for name, one in _arrays(net.dense).items()}
    if isinstance(inner, Prefixed):
        return _arrays(inner.base) | inner.arrays(Names.of(shape.kind)) | on_top
    if hasattr(inner, "merge_and_unload"):
        inner = copy.deepcopy(inner).merge_and_unload()
    return _arrays(inner) | on_top


class Prefixed(nn.Module):  # type: ignore[misc]
    """A model with keys and values of its own in front of every text, layer by layer."""

    def __init__(self, base: nn.Module, shape: Shape, length: int) -> None:
        super().__init__()
        if shape.kind == "distilbert":
            raise InvalidSettings("distilbert takes no prefix: choose another tower.method, such as lora")
        peft, self._cache = need("peft", extra="train"), need("transformers", extra="train").DynamicCache
        config = peft.PrefixTuningConfig(
            num_virtual_tokens=length,
            num_layers=shape.layers,
            token_dim=shape.dim,
            num_attention_heads=shape.heads,
            encoder_hidden_size=shape.dim,
        )
        self.base, self._shape = base, shape
        self.prefix = peft.PrefixEncoder(config)
        nn.init.normal_(self.prefix.embedding.weight, std=SMALL)

    def parts(self) -> Tensor:
        """(layers, 2, length, dim) keys and values."""
        table = self.prefix.embedding.weight
        return table.view(len(table), self._shape.layers, 2, self._shape.dim).permute(1, 2, 0, 3)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
        shape, n = self._shape, len(input_ids)
        parts, cache = self.parts(), self._cache()
        length, width = parts.shape[2], shape.dim // shape.heads
        for layer, pair in enumerate(parts):
            heads = pair.view(2, 1, length, shape.heads, width).transpose(2, 3).expand(2, n, -1, -1, -1)
            cache.update(heads[0], heads[1], layer)
        there = torch.cat([attention_mask.new_ones(n, length), attention_mask], dim=1)
        places = self._places(attention_mask)
        return self.base(
            input_ids=input_ids, attention_mask=there, position_ids=places, past_key_values=cache, use_cache=True
        )

    def arrays(self, names: Names) -> dict[str, Floats]:
        """As the served model names them."""
        found: dict[str, Floats] = {}
        for layer, (key, value) in enumerate(self.parts().detach().cpu().contiguous()):
            at = names.layer.format(layer)
            found |= {at + PREFIX_KEY: key.numpy().copy(), at + PREFIX_VALUE: value.numpy().copy()}
        return found

    def _places(self, mask: Tensor) -> Tensor:
        counted = mask.cumsum(dim=1) * mask
        return (counted - 1).clamp(min=0) if self._shape.kind == "bert" else counted + self._shape.padding


def _config(peft: ModuleType, recipe: TowerRecipe, shape: Shape) -> Any:
    """Where additions go: into what is asked and what is said in every layer, as in the paper of LoRA; the wide
    layer, too."""
    names, layers = Names.of(shape.kind), _upper(recipe, shape)
    last = {name: re.escape(name) for name in (names.query, names.key, names.value, names.mixed)}
    wide, narrow = re.escape(names.wide), re.escape(names.narrow)

    def any_of(*parts: str) -> str:
        return rf".*{layers}({'|'.join(parts)})"

    match recipe.method:
        case "ia3":
            targets = any_of(last[names.key], last[names.value], narrow)
            return peft.IA3Config(target_modules=targets, feedforward_modules=any_of(narrow))
        case "adalora":
            return peft.AdaLoraConfig(
                target_modules=any_of(*last.values(), wide, narrow),
                init_r=2 * recipe.rank,
                target_r=recipe.rank,
                lora_alpha=LOUDNESS * recipe.rank,
                total_step=recipe.steps,
                tinit=recipe.steps // 10,
                tfinal=0,
            )
    return peft.LoraConfig(
        r=recipe.rank,
        lora_alpha=LOUDNESS * recipe.rank,
        lora_dropout=recipe.dropout or 0.0,
        target_modules=any_of(*last.values(), wide, narrow),
    )


def upper_layers(recipe: TowerRecipe, shape: Shape) -> int:
    """How many layers learn, if not all; 0: all. What reaches the words themselves, or stands in front of every
    layer, needs all of them."""
    whole = recipe.method == "prefix" or recipe.adversarial > 0
    return 0 if whole or recipe.layers >= shape.layers else recipe.layers


def _upper(recipe: TowerRecipe, shape: Shape) -> str:
    """An expression for the names of the layers that learn, up to the dot."""
    first = shape.layers - (upper_layers(recipe, shape) or shape.layers)
    before, after = Names.of(shape.kind).layer.split("{}")
    return f"{re.escape(before)}({'|'.join(map(str, range(first, shape.layers)))}){re.escape(after)}"


def _allocator(net: nn.Module) -> Any:  # of peft, which has no types
    inner = getattr(net, "inner", None)  # a net of another kind has none
    return getattr(getattr(inner, "base_model", None), "rankallocator", None)


_REMEMBERED = ("ipt", "exp_avg_ipt", "exp_avg_unc")


def _arrays(model: nn.Module) -> dict[str, Floats]:
    return {
        name: one.detach().cpu().float().contiguous().numpy().copy()
        for name, one in model.state_dict().items()
        if one.is_floating_point()
    }
