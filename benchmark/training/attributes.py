"""What a module keeps beside parameters and buffers: training must not change it.

Parameters and buffers are carried: each seed has its own, and checkpoints keep them. Other attributes exist
once, for all seeds, in no checkpoint, and a compiled step reads them once.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor, nn

__all__ = ["Attributes", "check_no_tensors", "check_unchanged", "plain_attributes"]

Attributes = dict[str, Any]
"""Fingerprints of attributes, by their dotted names: equal as long as nothing was assigned or appended."""

TORCH = "torch."
"""Begins the names of torch's own modules, whose attributes keep no state of the training."""


def plain_attributes(networks: Mapping[str, nn.Module]) -> Attributes:
    """The attributes of networks, and of all modules in them, as they are."""
    attributes: Attributes = {}
    for owner, module in _modules(networks):
        for key, value in _own(module).items():
            attributes[f"{owner}.{key}"] = _fingerprint(value)
    return attributes


def check_unchanged(before: Attributes, after: Attributes) -> None:
    """Raises a `ValueError` that names an attribute that is not what it was."""
    for name, fingerprint in after.items():
        if name not in before or before[name] != fingerprint:
            raise ValueError(
                f"a forward pass changes {name}, which is no buffer; "
                "keep what lasts in a registered buffer, and the rest in local variables"
            )


def check_no_tensors(networks: Mapping[str, nn.Module]) -> None:
    """Raises a `ValueError` that names a tensor that is neither parameter nor buffer."""
    for owner, module in _modules(networks):
        for key, value in _own(module).items():
            if isinstance(value, Tensor):
                raise ValueError(
                    f"{owner}.{key} is a tensor that is neither parameter nor buffer; "
                    f"register it: self.register_buffer({key!r}, ...)"
                )


def _modules(networks: Mapping[str, nn.Module]) -> Iterable[tuple[str, nn.Module]]:
    """All modules of somebody's own, by dotted name."""
    for name, network in networks.items():
        for path, module in network.named_modules(prefix=name):
            if not type(module).__module__.startswith(TORCH):
                yield path, module


def _own(module: nn.Module) -> dict[str, Any]:
    """The attributes that are not those of every module, such as its hooks and its mode."""
    common = vars(nn.Module())
    return {key: value for key, value in vars(module).items() if key not in common}


class _Object:
    """An object that is equal to itself alone, whatever it says of equality."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Object) and self.value is other.value


def _fingerprint(value: Any) -> Any:
    """Numbers and texts are their words, containers are what they hold, all else is which object it is."""
    if isinstance(value, bool | int | float | str | bytes | None):
        return repr(value)
    if isinstance(value, Mapping):
        return [(_fingerprint(key), _fingerprint(item)) for key, item in value.items()]
    if isinstance(value, list | tuple | deque | set | frozenset):
        return [_fingerprint(item) for item in value]
    return _Object(value)
