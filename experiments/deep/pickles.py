"""Reads the pickled batches of CIFAR: numbers, strings, lists, tuples, dictionaries and numeric arrays.

A pickle is a program, and the usual reader runs it. Here `pickletools` splits the file into instructions,
which executes nothing, and each is carried out below on plain values. A global is a pair of strings that is
never imported; the four things that may be done with one are the lines of `call`. What is not written here
cannot happen: no object is called, no attribute is set, memory is in proportion to the file.

Both spellings of NumPy's modules are read (numpy.core before 2.0, numpy._core since), and all protocols:
those of Python 2, whose strings are bytes, and protocol 5, whose arrays stand in a buffer. Arrays of objects,
of strings and of records are refused.
"""

import math
import pickletools
from typing import Any, NamedTuple

import numpy as np

NUMBERS = frozenset(["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"])
CORES = ("numpy.core", "numpy._core")
ORDERS = ("<", ">", "|", "=")
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
VALUES = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
MARK = object()  # where the items of a list, tuple or dictionary begin
TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class Foreign(ValueError):
    """The pickle holds or asks for what no batch of images does; the message is a noun phrase."""


class Broken(ValueError):
    """The file is no whole pickle."""


class Global(NamedTuple):
    """A name in a pickle. Nothing is looked up under it."""

    module: str
    name: str

    def __str__(self):
        return f"{self.module}.{self.name}"


class Kind:
    """A numeric dtype; its byte order follows it in the pickle."""

    def __init__(self, code):
        if code not in NUMBERS:
            raise Foreign(f"an array of dtype {code!r}, where only numbers are read")
        self.dtype = np.dtype(code)

    def build(self, state):
        """State of a plain dtype: (version, byte order, no subarray, no names, no fields, ...)."""
        order = text(state[1])
        if order not in ORDERS or any(each is not None for each in state[2:5]):
            raise Foreign("an array of records, where only numbers are read")
        self.dtype = self.dtype.newbyteorder(order)


class Array:
    """An array; its content follows it in the pickle."""

    def __init__(self):
        self.value = None

    def build(self, state):
        _, shape, kind, by_columns, content = state
        self.fill(content, kind, shape, "F" if by_columns else "C")

    def fill(self, content, kind, shape, order):
        if not isinstance(kind, Kind) or not isinstance(shape, tuple) or not all(map(is_count, shape)):
            raise Foreign(f"an array of shape {shape!r}")
        content = as_bytes(content)
        if math.prod(shape) * kind.dtype.itemsize != len(content):
            raise Foreign(f"an array of shape {shape} and dtype {kind.dtype} in {len(content)} bytes")
        self.value = np.frombuffer(content, kind.dtype).reshape(shape, order=order)


def is_count(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def as_bytes(value):
    """Bytes; the strings of Python 2 are bytes, which `pickletools` shows as latin-1."""
    if isinstance(value, str):
        return value.encode("latin-1")
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    raise Foreign(f"{shown(value)} in place of the content of an array")


def text(value):
    """Text, whether written by Python 2 or 3."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, str):
        return value
    raise Foreign(f"{shown(value)} in place of a string")


def call(name, given):
    """The value of `name(*given)` for the four names that arrays and numbers are written with."""
    if name == Global("numpy", "dtype"):
        return Kind(text(given[0]))
    for core in CORES:
        if name == Global(f"{core}.multiarray", "_reconstruct"):
            if given[0] != Global("numpy", "ndarray"):
                raise Foreign(f"an array of type {shown(given[0])}")
            return Array()
        if name == Global(f"{core}.multiarray", "scalar"):
            one = Array()
            one.fill(given[1], given[0], (), "C")
            return one.value.item()
        if name == Global(f"{core}.numeric", "_frombuffer"):
            whole = Array()
            content, kind, shape, order = given
            if order not in ("C", "F"):
                raise Foreign(f"an array in the order {shown(order)}")
            whole.fill(content, kind, shape, order)
            return whole
    if name == Global("_codecs", "encode") and given[1:] == ("latin1",):  # bytes, in protocols 0 to 2
        return as_bytes(given[0])
    raise Foreign(f"a call of {shown(name)}")


def shown(value):
    """A few words for what stands where it should not."""
    if isinstance(value, Global):
        return str(value)
    return f"{str(value)[:40]!r}" if isinstance(value, (str, int, float)) else f"a {type(value).__name__}"


def read(content):
    """The dictionary that the pickle `content` (bytes) describes, by text; arrays are read-only views of it.

    Raises `Foreign` for anything but numbers, strings, lists, tuples, dictionaries and numeric arrays, and
    `Broken` where the file is no whole pickle.
    """
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    try:
        for instruction, argument, _ in pickletools.genops(content):
            if instruction.name == "STOP":
                return finished(stack.pop())
            act(instruction.name, argument, stack, memo)
    except Foreign:
        raise
    except (ValueError, IndexError, KeyError, TypeError, OverflowError) as wrong:
        raise Broken(str(wrong)) from None
    raise Broken("it has no end")


def act(name, argument, stack, memo):
    """Carry out one instruction."""
    if name in VALUES:
        stack.append(argument)
    elif name in ("MEMOIZE", "BINPUT", "LONG_BINPUT", "PUT"):
        memo[len(memo) if name == "MEMOIZE" else argument] = stack[-1]
    elif name in ("BINGET", "LONG_BINGET", "GET"):
        stack.append(memo[argument])
    elif name in CONSTANTS:
        stack.append(CONSTANTS[name])
    elif name == "MARK":
        stack.append(MARK)
    elif name in TUPLES:
        stack.append(tuple(taken(stack, TUPLES[name])))
    elif name in ("TUPLE", "LIST"):
        stack.append((tuple if name == "TUPLE" else list)(since_mark(stack)))
    elif name in ("EMPTY_LIST", "EMPTY_DICT"):
        stack.append([] if name == "EMPTY_LIST" else {})
    elif name == "DICT":
        stack.append(pairs(since_mark(stack)))
    elif name in ("APPEND", "APPENDS"):
        items = taken(stack, 1) if name == "APPEND" else since_mark(stack)
        of_type(list, stack[-1]).extend(items)
    elif name in ("SETITEM", "SETITEMS"):
        items = taken(stack, 2) if name == "SETITEM" else since_mark(stack)
        of_type(dict, stack[-1]).update(pairs(items))
    elif name == "GLOBAL":
        stack.append(Global(*argument.split(" ", 1)))
    elif name == "STACK_GLOBAL":
        stack.append(Global(*map(text, taken(stack, 2))))
    elif name == "REDUCE":
        target, given = taken(stack, 2)
        stack.append(call(target, of_type(tuple, given)))
    elif name == "BUILD":
        state = stack.pop()
        of_type((Kind, Array), stack[-1]).build(of_type(tuple, state))
    elif name not in ("PROTO", "FRAME"):
        raise Foreign(f"the instruction {name}")


def taken(stack, count):
    """The last `count` values, removed."""
    if count > len(stack):
        raise IndexError("a value is missing")
    values = stack[len(stack) - count :]
    del stack[len(stack) - count :]
    return values


def since_mark(stack):
    """The values after the last mark, removed with it."""
    at = len(stack) - 1
    while stack[at] is not MARK:
        at -= 1
        if at < 0:
            raise IndexError("a mark is missing")
    values = stack[at + 1 :]
    del stack[at:]
    return values


def pairs(items):
    """A dictionary of keys and values in turn."""
    keys = items[::2]
    if not all(isinstance(key, (str, bytes, int)) for key in keys):
        raise Foreign("a dictionary whose keys are no strings or numbers")
    return dict(zip(keys, items[1::2], strict=True))


def of_type(kind, value):
    if not isinstance(value, kind) or isinstance(value, Global):
        raise Foreign(f"{shown(value)} in a place for something else")
    return value


def finished(value):
    """The dictionary at the top, its keys as text, its arrays as arrays."""
    content = {text(key): each for key, each in of_type(dict, value).items()}
    return {key: each.value if isinstance(each, Array) else each for key, each in content.items()}
