"""A priority policy: the class's weight alone."""

from blis.policies.priority import PRIORITIES


@PRIORITIES.register("extra-weight", reads=("class",))
def extra_weight(columns):
    """The weight of the class."""
    return columns.class_weight
