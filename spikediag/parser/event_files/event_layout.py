"""The layout of one TensorBoard `Event`: where its clock, step and scalars lie, and which bytes may vary.

Read straight from the protocol-buffer wire format (event.proto, summary.proto, tensor.proto), because
records of one layout differ in these bytes alone, and then a whole group is decoded without looking at the
others.
"""

from dataclasses import dataclass

from spikediag.parser.protobuf import (
    BYTES,
    FIXED32,
    FIXED64,
    LONGEST_VARINT,
    VARINT,
    fields,
    varint,
)

DTYPES = {  # tensor.proto DataType -> numpy dtype of one element; bfloat16 is the top half of a float32
    1: "<f4", 2: "<f8", 3: "<i4", 4: "u1", 5: "<i2", 6: "i1", 9: "<i8", 10: "u1",
    14: "bfloat16", 17: "<u2", 19: "<f2", 22: "<u4", 23: "<u8",
}  # fmt: skip
REPEATED = {5: "<f4", 6: "<f8"}  # TensorProto float_val, double_val
VARINTS = {
    7: "int",
    10: "int",
    11: "int",
    13: "half",
    16: "int",
    17: "int",
}  # int_val, int64_val, bool_val, ...
BFLOAT16 = 14


@dataclass(frozen=True)
class Slot:
    """A number inside a payload: a fixed-width one of `kind`, or a varint of `width` bytes."""

    at: int
    width: int
    kind: str  # a numpy dtype, "bfloat16", "varint", "half" or "bhalf" (a varint that holds 16 float bits)
    tag: str = ""
    named: tuple[int, int] = (0, 0)  # where the bytes of the tag lie, [start, stop)


@dataclass(frozen=True)
class OtherValue:
    """A summary value that is no scalar, by tag and plugin ("text", "hparams", "histograms" or another)."""

    tag: str
    plugin: str


@dataclass(frozen=True)
class Layout:
    """What one record holds."""

    wall: Slot | None
    step: Slot | None
    scalars: tuple[Slot, ...]
    others: tuple[OtherValue, ...]

    @property
    def tags(self) -> tuple[str, ...]:
        """The tag of each scalar."""
        return tuple(slot.tag for slot in self.scalars)

    def tags_in(self, payload: bytes) -> tuple[str, ...]:
        """The tag of each scalar of a payload that has this layout with other tags of the same lengths."""
        return tuple(_text(payload, *slot.named) for slot in self.scalars)

    @property
    def places(self) -> tuple[tuple[int, int, str], ...]:
        """Where the numbers lie and how they are written, whatever their tags."""
        return tuple((slot.at, slot.width, slot.kind) for slot in self.slots)

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Every number of the record."""
        return tuple(slot for slot in (self.wall, self.step, *self.scalars) if slot)


def layout_of(payload: bytes) -> Layout:
    """Read where everything lies in one serialised `Event`.

    Raises:
        MalformedError: the payload is no `Event`.
    """
    wall = step = None
    scalars: list[Slot] = []
    others: list[OtherValue] = []
    for number, kind, start, stop in fields(payload, 0, len(payload)):
        if (number, kind) == (1, FIXED64):
            wall = Slot(start, 8, "<f8")
        elif (number, kind) == (2, VARINT):
            step = Slot(start, stop - start, "varint")
        elif (number, kind) == (5, BYTES):
            for item, sort, low, high in fields(payload, start, stop):
                if (item, sort) == (1, BYTES):
                    found = _value(payload, low, high)
                    if isinstance(found, Slot):
                        scalars.append(found)
                    elif found:
                        others.append(found)
    return Layout(wall, step, tuple(scalars), tuple(others))


def _value(payload: bytes, at: int, stop: int) -> Slot | OtherValue | None:
    tag, named, plugin, number = "", (0, 0), "", None
    tensor = histogram = False
    for field, kind, start, end in fields(payload, at, stop):
        if (field, kind) == (1, BYTES):
            tag, named = _text(payload, start, end), (start, end)
        elif (field, kind) == (2, FIXED32):
            number = Slot(start, 4, "<f4")
        elif (field, kind) == (5, BYTES):
            histogram = True
        elif (field, kind) == (8, BYTES):
            tensor, number = True, _element(payload, start, end)
        elif (field, kind) == (9, BYTES):
            plugin = _plugin(payload, start, end)
    if number and (not tensor or plugin in ("scalars", "")):
        return Slot(number.at, number.width, number.kind, tag, named)
    if histogram:
        return OtherValue(tag, "histograms")
    return OtherValue(tag, plugin) if plugin or tensor else None


def _text(payload: bytes, start: int, stop: int) -> str:
    return payload[start:stop].decode("utf-8", "replace")


def _plugin(payload: bytes, at: int, stop: int) -> str:
    """Read SummaryMetadata.plugin_data.plugin_name."""
    for number, kind, start, end in fields(payload, at, stop):
        if (number, kind) == (1, BYTES):
            for item, sort, low, high in fields(payload, start, end):
                if (item, sort) == (1, BYTES):
                    return _text(payload, low, high)
    return ""


def _element(payload: bytes, at: int, stop: int) -> Slot | None:
    """Return where the single number of a TensorProto lies; None for anything else."""
    dtype, content, found = 0, None, []
    for number, kind, start, end in fields(payload, at, stop):
        if (number, kind) == (1, VARINT):
            dtype, _ = varint(payload, start, end)
        elif (number, kind) == (4, BYTES):
            content = (start, end - start)
        elif number in REPEATED and kind in (BYTES, FIXED32, FIXED64):
            found.append(Slot(start, end - start, REPEATED[number]))
        elif number in VARINTS and kind in (BYTES, VARINT):
            found.append(Slot(start, end - start, VARINTS[number]))
    if content and dtype in DTYPES:
        found = [Slot(*content, DTYPES[dtype])]
    if len(found) != 1:
        return None
    return _checked(found[0], payload, dtype)


def _checked(slot: Slot, payload: bytes, dtype: int) -> Slot | None:
    """Accept a slot that holds exactly one number."""
    if slot.kind in ("int", "half"):
        run = payload[slot.at : slot.at + slot.width]
        if (
            not run
            or run[-1] & 0x80
            or any(not byte & 0x80 for byte in run[:-1])
            or len(run) > LONGEST_VARINT
        ):
            return None
        kind = "varint" if slot.kind == "int" else "bhalf" if dtype == BFLOAT16 else "half"
        return Slot(slot.at, slot.width, kind)
    size = {"bfloat16": 2}.get(slot.kind) or int(slot.kind[-1])
    return slot if slot.width == size else None
