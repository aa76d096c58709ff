"""Options that belong together are one parameter of a command: a dataclass, whose fields are the options.

The command line takes them one by one, so `evaluate(question: Question)` has --split, --given and --validation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import get_type_hints


def unfolded(command: Callable[..., None]) -> Callable[..., None]:
    """The command as the command line takes it: an option for each field of each dataclass among its parameters.
    Every field needs a default."""
    hints = get_type_hints(command, include_extras=True)
    groups = {name: hint for name, hint in hints.items() if isinstance(hint, type) and is_dataclass(hint)}

    @wraps(command)
    def run(*args: object, **options: object) -> None:
        folded = {
            name: group(**{field.name: options.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(*args, **options, **folded)

    taken = list(_taken(signature(command), hints, groups))
    run.__signature__ = Signature(taken)  # type: ignore[attr-defined]  # inspect.signature looks there
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in taken}
    del run.__wrapped__  # whoever looks through it would see the folded parameters
    return run


def _taken(folded: Signature, hints: dict[str, object], groups: dict[str, type]) -> Iterator[Parameter]:
    """Each parameter as it is, or the options that it is made of."""
    for name, parameter in folded.parameters.items():
        if name not in groups:
            yield parameter.replace(annotation=hints[name])
            continue
        group_hints = get_type_hints(groups[name], include_extras=True)
        for field in fields(groups[name]):
            yield Parameter(
                field.name, Parameter.KEYWORD_ONLY, default=field.default, annotation=group_hints[field.name]
            )
