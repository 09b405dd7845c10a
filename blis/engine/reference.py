"""`refer`: pass a tuple of arrays between kernels as one pointer.

A tuple is passed field by field, and every look at one field of it loads them all: with dozens of arrays most
of the time it takes to compile goes there. Behind a pointer a look loads one field. Once all kernels are
inlined the two are the same machine code.
"""

from __future__ import annotations

from typing import Any

from numba.core import cgutils, types
from numba.core.imputils import impl_ret_borrowed, lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate
from numba.extending import infer_getattr, intrinsic, models, register_model


class Reference(types.Type):
    """A pointer to a named tuple that lives as long as the kernel that made it."""

    def __init__(self, target: Any) -> None:
        """Refer to a named tuple of numba's type `target`."""
        self.target = target
        super().__init__(name=f"Reference({target})")


@register_model(Reference)
class _ReferenceModel(models.PrimitiveModel):
    """In machine code: the address."""

    def __init__(self, manager: Any, kind: Reference) -> None:
        super().__init__(manager, kind, manager.lookup(kind.target).get_value_type().as_pointer())


@infer_getattr
class _ReferenceAttribute(AttributeTemplate):
    """`reference.field` has the type of the field."""

    key = Reference

    def generic_resolve(self, reference: Reference, field: str) -> Any:
        if field in reference.target.fields:
            return reference.target[reference.target.fields.index(field)]
        return None


@lower_getattr_generic(Reference)
def _load_field(context: Any, builder: Any, kind: Reference, pointer: Any, field: str) -> Any:
    index = kind.target.fields.index(field)
    value = builder.load(cgutils.gep_inbounds(builder, pointer, 0, index))
    return impl_ret_borrowed(context, builder, kind.target[index], value)


@intrinsic
def refer(typing_context, target):
    """A reference to a named tuple; its fields can be read, not set."""

    def generate(context, builder, signature, values):
        return cgutils.alloca_once_value(builder, values[0])

    return Reference(target)(target), generate
