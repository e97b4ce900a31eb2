"""Checkpoints: one file that holds a run, complete or not there at all.

An .npz archive that NumPy reads without pickled objects. Every leaf of the state is an array under its path;
`header` is JSON text (the configuration, where the run stands, its rows); `sha256` is a digest of all of
them, so that a flipped bit is found as well as a missing end. It is written beside, forced to the disk and
then renamed: whoever is killed at any moment leaves the old file or the new one.

Precisions that NumPy lacks (bfloat16) are stored as whole numbers of the same size, their names in the
header.
"""

import hashlib
import json
import os
import struct
import zipfile
import zlib

import jax
import jax.numpy as jnp
import numpy as np

from experiments.record import Refused, strict

FORMAT = "samcheck deep checkpoint 1"
OWN = {"header", "sha256"}
WHOLE = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}  # by bytes
ZIP = b"PK\x03\x04"
# what archives and arrays raise at wrong bytes
WRONG_BYTES = (zipfile.BadZipFile, zlib.error, struct.error, ValueError, EOFError, KeyError, RuntimeError)


def save(path, state, header):
    """Write the tree `state` and the dictionary `header` (JSON) under `path`."""
    arrays = {name: np.asarray(leaf) for name, leaf in named(state).items()}
    kinds = {name: array.dtype.name for name, array in arrays.items()}
    text = json.dumps(strict({"format": FORMAT, "kinds": kinds} | header), allow_nan=False)
    arrays = {name: plain(array) for name, array in arrays.items()}
    arrays["header"] = np.frombuffer(text.encode(), np.uint8)
    arrays["sha256"] = np.frombuffer(digest(arrays), np.uint8)
    write(path, lambda file: np.savez(file, allow_pickle=False, **arrays))


def load(path):
    """(header, arrays by path) of the file `path`."""
    try:
        with open(path, "rb") as file:
            arrays = unpacked(file)
    except FileNotFoundError:
        raise Refused(f"there is no checkpoint {path}; begin without --resume") from None
    except OSError as wrong:
        raise Refused(f"cannot read {path} ({wrong.strerror}); name another folder with --out") from None
    except Damaged as wrong:
        raise Refused(f"{path} is {wrong}; put a copy in its place or begin again with --overwrite") from None
    header = json.loads(arrays.pop("header").tobytes())
    if header.get("format") != FORMAT:
        raise Refused(
            f"{path} has the format {header.get('format')!r}, this is {FORMAT!r}; go on with the version "
            "that wrote it or begin again with --overwrite"
        )
    kinds = header.pop("kinds")
    return header, {name: array.view(jnp.dtype(kinds[name])) for name, array in arrays.items()}


def restored(arrays, like, path):
    """The arrays as a tree like `like`, whose shapes and precisions they must have."""
    wanted = named(like)
    for name in sorted(wanted.keys() | arrays.keys()):
        here, there = shape(wanted.get(name)), shape(arrays.get(name))
        if here != there:
            raise Refused(
                f"{path} is of another net or optimizer: {name} is {there} there and {here} here; give the "
                "flags that it was begun with or name another folder with --out"
            )
    return jax.tree.unflatten(jax.tree.structure(like), [jnp.asarray(arrays[name]) for name in wanted])


class Damaged(Exception):
    """What is wrong with a file."""


def unpacked(file):
    """The arrays of an archive that is whole and of ours, without its digest."""
    begins = file.read(len(ZIP))
    if begins != ZIP:
        raise Damaged("a foreign file, no checkpoint" if begins else "empty")
    file.seek(0)
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except WRONG_BYTES:
        raise Damaged("truncated or damaged") from None
    if not arrays.keys() >= OWN:
        raise Damaged("a foreign file, no checkpoint")
    kept = arrays.pop("sha256").tobytes()
    if digest(arrays) != kept:
        raise Damaged("damaged: its checksum differs")
    return arrays


def digest(arrays):
    """SHA-256 over the names, kinds, shapes and bytes of arrays."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        found.update(array.reshape(-1).view(np.uint8).data)
    return found.digest()


def named(tree):
    """path -> leaf."""
    leaves = jax.tree.leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in leaves}


def plain(array):
    """`array` in a precision that NumPy has."""
    return array if array.dtype.isbuiltin == 1 else array.view(WHOLE[array.dtype.itemsize])


def shape(leaf):
    return "absent" if leaf is None else f"{leaf.dtype.name}{list(leaf.shape)}"


def write(path, fill):
    """Let `fill` write a file beside, force it to the disk, rename it."""
    beside = path.with_name(path.name + ".part")
    try:
        with open(beside, "wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # the new name itself
        finally:
            os.close(folder)
    except OSError as wrong:
        stays = "; the one before it stays good" if path.exists() else ""
        raise Refused(
            f"cannot write {path} ({wrong.strerror}){stays}: free some space, then go on with --resume"
        ) from None
    finally:
        beside.unlink(missing_ok=True)
