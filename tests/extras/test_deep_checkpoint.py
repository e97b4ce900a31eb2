"""A checkpoint is whole or refused, whatever happened to its bytes; NumPy alone can read it."""

import os

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.deep import checkpoint
from experiments.record import Refused

STATE = {
    "layers": [jnp.full(3, 1.5, jnp.bfloat16), jnp.float32(-0.0)],
    "count": (jnp.arange(4, dtype=jnp.uint32), ()),
    "nan": jnp.array([jnp.nan, jnp.inf], jnp.float32),
}
NAMES = {"layers.0", "layers.1", "count.0", "nan"}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "checkpoint.npz"
    checkpoint.save(path, STATE, {"step": 7, "loss": float("nan"), "tables": {"epochs": "a,b\n1,2\n"}})
    return path


def test_a_tree_comes_back_bit_by_bit_with_its_header(file):
    header, arrays = checkpoint.load(file)
    assert header == {
        "format": checkpoint.FORMAT,
        "step": 7,
        "loss": None,
        "tables": {"epochs": "a,b\n1,2\n"},
    }
    found = checkpoint.restored(arrays, jax.eval_shape(lambda: STATE), file)
    assert jax.tree.structure(found) == jax.tree.structure(STATE)
    for one, two in zip(jax.tree.leaves(found), jax.tree.leaves(STATE), strict=True):
        assert one.dtype == two.dtype and np.asarray(one).tobytes() == np.asarray(two).tobytes()


def test_numpy_reads_it_without_pickled_objects(file):
    with np.load(file, allow_pickle=False) as archive:
        assert set(archive.files) == NAMES | {"header", "sha256"}
        assert archive["layers.0"].dtype == np.uint16  # NumPy has no bfloat16


def test_a_flipped_bit_of_any_byte_is_found_or_changes_nothing(file):
    """Zip archives hold bytes that nobody reads, such as dates; all that is read is in the digest."""
    whole, good = file.read_bytes(), checkpoint.load(file)
    refused = 0
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        file.write_bytes(damaged)
        try:
            header, arrays = checkpoint.load(file)
        except Refused as wrong:
            refused += 1
            assert str(file) in str(wrong)
        else:
            assert header == good[0]
            assert all(arrays[name].tobytes() == each.tobytes() for name, each in good[1].items())
    assert refused > len(whole) / 2


def test_every_truncated_file_is_refused(file):
    whole = file.read_bytes()
    for length in (*range(0, len(whole), 11), len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(
            Refused, match=r"is (empty|a foreign file|truncated or damaged).*; put a copy in its"
        ):
            checkpoint.load(file)


def test_an_exchanged_array_is_found_though_the_archive_is_sound(file):
    """The archive's own sums hold; the digest of all does not."""
    with np.load(file) as archive:
        arrays = dict(archive)
    arrays["count.0"] = arrays["count.0"][::-1]
    np.savez(file, **arrays)
    with pytest.raises(Refused, match="its checksum differs"):
        checkpoint.load(file)


def test_foreign_files_are_refused(file):
    def text():
        file.write_text("epoch,loss\n1,0.5\n")

    def another_archive():
        np.savez(file, weights=np.ones(3))

    def pickled():
        np.savez(file, header=np.array([{}], dtype=object), sha256=np.zeros(32, np.uint8))

    def older():
        checkpoint.save(file, STATE, {"format": "samcheck deep checkpoint 0"})

    for write, match in [
        (text, "is a foreign file"),
        (another_archive, "is a foreign file"),
        (pickled, "is truncated or damaged"),
        (older, "has the format 'samcheck deep checkpoint 0', this is"),
    ]:
        write()
        with pytest.raises(Refused, match=match):
            checkpoint.load(file)
    file.unlink()
    with pytest.raises(Refused, match="there is no checkpoint .*; begin without --resume"):
        checkpoint.load(file)


def test_a_tree_of_another_form_is_refused_by_the_name_of_the_array(file):
    arrays = checkpoint.load(file)[1]
    for other, match in [
        (STATE | {"nan": jnp.zeros(3)}, r"nan is float32\[2\] there and float\d+\[3\] here"),
        (STATE | {"more": jnp.zeros(1)}, "more is absent there"),
        ({"nan": STATE["nan"]}, r"count.0 is uint32\[4\] there and absent here"),
    ]:
        with pytest.raises(Refused, match=match):
            checkpoint.restored(arrays, other, file)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside(file, monkeypatch):
    before = file.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    for where in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, where, full)
            with pytest.raises(Refused, match=r"\(No space left on device\); the one before it stays good"):
                checkpoint.save(file, STATE, {"step": 8})
        assert file.read_bytes() == before and [each.name for each in file.parent.iterdir()] == [file.name]
    with pytest.raises(Refused, match="cannot write"):
        checkpoint.save(file.parent / "none" / "checkpoint.npz", STATE, {})
