"""Reads the pickled batches of CIFAR: numbers, strings, lists, tuples, dictionaries and numeric arrays.

A pickle is a program, and the usual reader runs it. Here `pickletools` splits the file into instructions,
which executes nothing, and each is carried out below on plain values. A global is a pair of names that is
never imported; what may be done with one are the lines of `called`. What is not written here cannot happen:
no object is called, no attribute is set, and memory stays in proportion to the file.

Both spellings of NumPy's modules are read (numpy.core before 2.0, numpy._core since) in the binary protocols,
1 to 5: those of Python 2, whose strings are bytes, and that of arrays in a buffer. Arrays of objects, of
strings and of records are refused.
"""

import math
import pickletools
import warnings
from typing import Any, NamedTuple

import numpy as np

NUMBERS = frozenset(["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"])
BYTE_ORDERS = ("<", ">", "|", "=")
CORES = ("numpy.core", "numpy._core")

MARK = object()  # where the items of a list, tuple or dictionary begin
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "MARK": MARK}
VALUES = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


class Foreign(ValueError):
    """The pickle holds or asks for what no batch of images does; the message is a noun phrase."""


class Broken(ValueError):
    """The file is no whole pickle."""


def read(content):
    """The dictionary that the pickle `content` (bytes) describes, by text; its arrays are views of it.

    Raises `Foreign` for anything but numbers, strings, lists, tuples, dictionaries and numeric arrays, and
    `Broken` where the file is no whole pickle.
    """
    program = Program(len(content))
    try:
        with warnings.catch_warnings(action="ignore"):  # of escapes in names, which no file of NumPy has
            for instruction, argument, _ in pickletools.genops(content):
                if instruction.name == "STOP":
                    return finished(program.stack.pop())
                program.carry_out(instruction.name, argument)
    except Foreign:
        raise
    except (ValueError, IndexError, KeyError, TypeError, OverflowError) as wrong:
        raise Broken(str(wrong)) from None
    raise Broken("it has no end")


def finished(value):
    """The dictionary at the top, its keys as text, its arrays as arrays."""
    content = {text(key): each for key, each in of_type(dict, value).items()}
    return {key: each.value if isinstance(each, Array) else each for key, each in content.items()}


# The values


class Global(NamedTuple):
    """A name in a pickle. Nothing is looked up under it."""

    module: str
    name: str


class Kind:
    """A numeric dtype; its byte order follows it in the pickle."""

    def __init__(self, code):
        if code not in NUMBERS:
            raise Foreign(f"an array of dtype {shown(code)}, where only numbers are read")
        self.dtype = np.dtype(code)

    def build(self, state):
        """State of a plain dtype: (version, byte order, no subarray, no names, no fields, ...)."""
        order = text(state[1])
        if order not in BYTE_ORDERS or any(each is not None for each in state[2:5]):
            raise Foreign("an array of records, where only numbers are read")
        self.dtype = self.dtype.newbyteorder(order)


class Array:
    """An array; its content follows it in the pickle."""

    value: np.ndarray | None = None

    def build(self, state):
        _, shape, kind, by_columns, content = state
        self.value = array(content, kind, shape, "F" if by_columns else "C")


def array(content, kind, shape, order):
    if not isinstance(kind, Kind) or not isinstance(content, (bytes, bytearray)):
        raise Foreign("an array without a dtype or without content")
    if not isinstance(shape, tuple) or any(type(each) is not int or each < 0 for each in shape):
        raise Foreign("an array without a shape")
    if math.prod(shape) * kind.dtype.itemsize != len(content):
        raise Foreign(f"an array whose shape and dtype do not fit its {len(content)} bytes")
    return np.frombuffer(content, kind.dtype).reshape(shape, order=order)


# The instructions


class Program:
    """The state of the machine that a pickle is a program for."""

    def __init__(self, size):
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.to_encode = size  # every string is turned into bytes once at most: no file makes itself large

    def carry_out(self, name, argument):
        stack = self.stack
        if name in VALUES:
            stack.append(argument)
        elif name in (
            "BINSTRING",
            "SHORT_BINSTRING",
        ):  # of Python 2: bytes, which pickletools shows as latin-1
            stack.append(argument.encode("latin-1"))
        elif name in ("MEMOIZE", "BINPUT", "LONG_BINPUT"):
            self.memo[len(self.memo) if name == "MEMOIZE" else argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(self.memo[argument])
        elif name in CONSTANTS:
            stack.append(CONSTANTS[name])
        elif name in TUPLES:
            stack.append(tuple(self.taken(TUPLES[name])))
        elif name == "TUPLE":
            stack.append(tuple(self.since_mark()))
        elif name in ("EMPTY_LIST", "EMPTY_DICT"):
            stack.append([] if name == "EMPTY_LIST" else {})
        elif name in ("APPEND", "APPENDS"):
            items = self.taken(1) if name == "APPEND" else self.since_mark()
            of_type(list, stack[-1]).extend(items)
        elif name in ("SETITEM", "SETITEMS"):
            items = self.taken(2) if name == "SETITEM" else self.since_mark()
            of_type(dict, stack[-1]).update(pairs(items))
        elif name == "GLOBAL":
            stack.append(Global(*argument.split(" ", 1)))
        elif name == "STACK_GLOBAL":
            stack.append(Global(*(of_type(str, each) for each in self.taken(2))))
        elif name == "REDUCE":
            target, given = self.taken(2)
            stack.append(self.called(target, of_type(tuple, given)))
        elif name == "BUILD":
            (state,) = self.taken(1)
            of_type((Kind, Array), stack[-1]).build(of_type(tuple, state))
        elif name not in ("PROTO", "FRAME"):
            raise Foreign(f"the instruction {name}")

    def taken(self, count):
        """The last `count` values, removed."""
        start = len(self.stack) - count
        if start < 0:
            raise IndexError("a value is missing")
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def since_mark(self):
        """The values after the last mark, removed with it."""
        count = next((i for i, each in enumerate(reversed(self.stack)) if each is MARK), len(self.stack))
        values = self.taken(count)
        self.taken(1)
        return values

    def called(self, target, given):
        """The value of target(*given), for the few names that arrays, numbers and bytes are written with."""
        if target == ("numpy", "dtype"):
            return Kind(text(given[0]))
        for core in CORES:
            if target == (f"{core}.multiarray", "_reconstruct") and given[0] == ("numpy", "ndarray"):
                return Array()
            if target == (f"{core}.multiarray", "scalar"):
                kind, content = given
                return array(self.encoded(content), kind, (), "C").item()
            if target == (f"{core}.numeric", "_frombuffer"):
                whole = Array()
                whole.value = array(*given)
                return whole
        if target == ("_codecs", "encode") and given[1:] == ("latin1",):  # bytes, in protocols 1 and 2
            return self.encoded(given[0])
        if target == ("__builtin__", "bytes") and given == ():  # and empty ones
            return b""
        raise Foreign(f"a call of {shown(target)}")

    def encoded(self, value):
        if isinstance(value, bytes):
            return value
        self.to_encode -= len(of_type(str, value))
        if self.to_encode < 0:
            raise Foreign("one string many times over")
        return value.encode("latin-1")


def pairs(items):
    """A dictionary of keys and values in turn."""
    keys = items[::2]
    if not all(isinstance(key, (str, bytes)) for key in keys):
        raise Foreign("a dictionary whose keys are no strings")
    return dict(zip(keys, items[1::2], strict=True))


def text(value):
    """Text, whether written by Python 2 or 3."""
    return value.decode("latin-1") if isinstance(value, bytes) else of_type(str, value)


def of_type(kind, value):
    if not isinstance(value, kind) or isinstance(value, Global):
        raise Foreign(f"{shown(value)} in a place for something else")
    return value


def shown(value):
    """A few words for what stands where it should not."""
    if isinstance(value, Global):
        value = f"{value.module}.{value.name}"
    return repr(value[:60]) if isinstance(value, (str, bytes)) else f"a value of type {type(value).__name__}"
