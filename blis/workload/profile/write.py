"""A profile as the text of a specification's file, short enough to be read."""

from __future__ import annotations

import textwrap
from typing import Any

from blis.workload.draw.spec import spec_mapping
from blis.workload.profile.fit import Profile
from blis.yaml_strict import OneLine, OneLineList, yaml_text

_WIDTH = 110
_IN_ONE_LINE = ("params", "stages", "reuse", "length_coupling")  # they, or each of their items


def profile_text(found: Profile, about: str) -> str:
    """The file; about: whose profile it is, a sentence of its comment."""
    said = f"{about} Figures, no rows. Not carried: {'; '.join(found.left_out)}."
    comment = "".join(f"# {line}\n" for line in textwrap.wrap(said, _WIDTH))
    mapping = _short(_without_defaults(spec_mapping(found.spec)))
    mapping["clients"] = [_without_defaults(client) for client in mapping["clients"]]
    return comment + yaml_text(mapping, _WIDTH)


def _without_defaults(mapping: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty or 0."""
    return {key: value for key, value in mapping.items() if value or key == "closed_loop"}


def _short(value: Any, key: str = "") -> Any:
    """Bins, stages, cells and rows in one line each, whole numbers without a point."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        items: dict[Any, Any] = {
            int(name) if name.isdigit() else name: _short(item, name) for name, item in value.items() if item != []
        }
        return OneLine(items) if key in _IN_ONE_LINE else items
    if isinstance(value, list):
        items_of_list = [_short(item, key) for item in value]
        return items_of_list if key != "length_coupling" or isinstance(value[0], list) else OneLineList(items_of_list)
    return value
