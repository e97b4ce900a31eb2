"""Data of the deep networks: what is read, what is refused, moments and label noise against exact counts."""

import contextlib
import copyreg
import gzip
import hashlib
import math
import os
import pickle
import struct
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_digits

from experiments.deep import data, pickles
from experiments.record import Refused

LEVEL = 1e-6  # of the chi-square tests, seeds fixed


def refused(what, *words):
    """One sentence that holds all the words."""
    with pytest.raises((Refused, ValueError)) as caught:
        what()
    said = str(caught.value)
    assert "\n" not in said and len(said) < 500, said
    assert [word for word in words if word not in said] == [], said
    return said


# Digits, teacher, moments, noise


def test_the_digits_are_split_into_1297_and_500_the_same_for_every_seed():
    found, again = data.load("digits"), data.load("digits", seed=7)
    original = load_digits()
    test = [i for i in range(1797) if 500 * i % 1797 < 500]
    train = sorted(set(range(1797)) - set(test))
    assert (len(train), len(test)) == (1297, 500)
    for x, y, of in [(found.train_x, found.train_y, train), (found.test_x, found.test_y, test)]:
        assert np.array_equal(x[..., 0], original.images[of]) and np.array_equal(y, original.target[of])
    assert np.array_equal(found.test_x, again.test_x) and np.array_equal(found.train_y, again.train_y)
    assert found.train_x.dtype == np.uint8 and found.train_y.dtype == found.test_y.dtype == np.int32
    assert (found.name, found.classes, found.shape, found.notes) == ("digits", 10, (8, 8, 1), ())
    assert min(np.bincount(found.test_y)) > 25  # of 50 expected


def test_a_teacher_has_the_sizes_asked_for_and_its_labels_can_be_learned():
    """Least squares on the pixels finds most of them; from labels in another order it finds one in four."""
    found = data.load("teacher:1500,4,3,2,4")
    assert found.train_x.shape == (1500, 4, 3, 2) and found.test_x.shape == (375, 4, 3, 2)
    assert found.classes == 4 and min(np.bincount(found.train_y, minlength=4)) > 100

    def accuracy(labels):
        def features(x):
            return np.hstack([x.reshape(len(x), -1) / 255 - 0.5, np.ones((len(x), 1))])

        weights = np.linalg.lstsq(features(found.train_x), np.eye(4)[labels])[0]
        return np.mean(np.argmax(features(found.test_x) @ weights, axis=1) == found.test_y)

    assert accuracy(found.train_y) > 0.7 and accuracy(np.roll(found.train_y, 1)) < 0.4
    same, other = data.load("teacher:1500,4,3,2,4"), data.load("teacher:1500,4,3,2,4", seed=1)
    assert np.array_equal(same.train_x, found.train_x) and np.array_equal(same.test_y, found.test_y)
    assert np.any(other.train_x != found.train_x) and data.load("teacher").shape == (8, 8, 1)


def test_moments_are_the_exact_ones_rounded_once():
    rng = np.random.default_rng(0)
    x = rng.integers(250, 256, (40, 7, 5, 3)).astype(np.uint8)
    x[..., 2] = 9
    mean, deviation = data.moments(x)
    for c in range(2):
        values = [Fraction(int(v)) for v in x[..., c].flat]
        exact = sum(values) / len(values)
        variance = sum((v - exact) ** 2 for v in values) / len(values)
        assert mean[c] == float(exact) and deviation[c] == math.sqrt(variance)
        assert x[..., c].astype(np.float32).std() != deviation[c]
    assert (mean[2], deviation[2]) == (9, 1)  # a constant channel
    floats, constant = data.moments(x / 7)
    np.testing.assert_allclose(floats, mean / 7, rtol=1e-13)
    np.testing.assert_allclose(constant, [deviation[0] / 7, deviation[1] / 7, 1], rtol=1e-12)


@pytest.mark.parametrize("noise, examples", [(0.0, 100), (0.29, 100), (0.2, None), (0.6, 333), (1.0, 50)])
def test_exactly_the_stated_fraction_of_labels_moves_each_to_another_class(noise, examples):
    clean, found = data.load("digits", examples=examples), data.load("digits", examples=examples, noise=noise)
    n = examples or 1297
    count = round(Fraction(str(noise)) * n)
    assert len(found.train_y) == n and np.sum(found.train_y != clean.train_y) == count
    assert set(found.train_y) <= set(range(10))
    assert np.array_equal(found.test_y, clean.test_y) and np.array_equal(found.train_x, clean.train_x)
    assert found.notes == (
        (f"{count} of the {n} training labels are moved to another class",) if count else ()
    )


def test_every_label_and_every_other_class_has_the_same_chance():
    labels = np.tile(np.arange(5), 4000)
    moved = data.with_moved_labels(labels, 5, 10_000, seed=3)
    where = moved != labels
    assert where.sum() == 10_000
    shift = (moved - labels)[where] % 5
    cells = np.bincount(labels[where] * 4 + shift - 1, minlength=20)
    assert stats.chisquare(cells).pvalue > LEVEL
    assert stats.chisquare(np.bincount(np.minimum(shift, 3) - 1, minlength=4)).pvalue < LEVEL
    halves = np.array([where[:10_000].sum(), where[10_000:].sum()])
    assert stats.chisquare(halves).pvalue > LEVEL > stats.chisquare([10_000, 0]).pvalue


def test_the_seed_chooses_which_labels_move_and_more_noise_moves_more_of_them():
    labels = np.arange(1000) % 10
    few, more, other = (data.with_moved_labels(labels, 10, *each) for each in [(100, 0), (300, 0), (100, 1)])
    moved = few != labels
    assert np.array_equal(few[moved], more[moved]) and np.any((few != labels) != (other != labels))


@pytest.mark.parametrize(
    "given, words",
    [
        ({"noise": -0.1}, ["[0, 1]", "-0.1"]),
        ({"noise": 1.5}, ["[0, 1]", "1.5"]),
        ({"noise": math.nan}, ["moved labels", "nan"]),
        ({"examples": 0}, ["training examples", "at least 1", "0"]),
        ({"examples": 1298}, ["1297", "1298"]),
        ({"seed": -1}, ["seed", "-1"]),
    ],
)
def test_values_out_of_range_are_refused(given, words):
    refused(lambda: data.load("digits", **given), *words)


@pytest.mark.parametrize("sizes", ["5", "10,2,2,1", "0,2,2,1,3", "10,2,2,1,1", "10,2,2,1,a", "10,2,2,1,3,4"])
def test_sizes_of_a_teacher_that_make_no_images_are_refused(sizes):
    refused(lambda: data.load(f"teacher:{sizes}"), f"got '{sizes}'", "n,height,width,channels,classes")


def test_a_teacher_larger_than_memory_is_refused_before_it_is_drawn():
    refused(lambda: data.load("teacher:1000000000,32,32,3,10"), "GiB", "fewer")


def test_nan_wrong_labels_and_wrong_shapes_are_refused():
    x, y = np.ones((3, 2, 2, 1)), np.array([0, 1, 1])
    assert data.dataset("own", x, y, x, y, 2).train_y.dtype == np.int32
    broken = x.copy()
    broken[1, 0, 1, 0] = math.nan
    refused(lambda: data.dataset("own", x, y, broken, y, 2), "test image 1", "own", "nan")
    refused(lambda: data.dataset("own", x * math.inf, y, x, y, 2), "training image 0", "inf")
    refused(lambda: data.dataset("own", x, y, x, np.array([0, 2, 1]), 2), "label 2", "0 to 1")
    refused(lambda: data.dataset("own", x, y[:2], x, y, 2), "(3, 2, 2, 1)", "(2,)")
    refused(lambda: data.dataset("own", x, y, x[:, :1], y, 2), "of one size", "(3, 1, 2, 1)")
    refused(lambda: data.dataset("own", x, y * 0, x, y * 0, 1), "classes", "at least 2")


# Pickles


ROWS = (np.arange(3 * 3072) * 7 % 251).astype(np.uint8).reshape(3, 3072)
LABELS = [6, 9, 0]


def python_2(rows=ROWS, labels=LABELS):
    """A batch as Python 2.7 and NumPy 1.16 write it with protocol 2, instruction by instruction."""
    content = rows.tobytes()
    return b"".join(
        [
            b"\x80\x02}q\x01(",
            b"U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04",
            b"K\x00\x85U\x01b\x87Rq\x05(K\x01K"
            + bytes([len(rows)])
            + b"M"
            + struct.pack("<H", 3072)
            + b"\x86",
            b"cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff",
            b"K\x00tb\x89T" + struct.pack("<i", len(content)) + content + b"tb",
            b"U\x06labelsq\x08]q\t(" + b"".join(b"K" + bytes([each]) for each in labels) + b"e",
            b"U\x0bbatch_labelq\nU\x15training batch 1 of 5q\x0b",
            b"U\tfilenamesq\x0c]q\rU\x13camion_s_000148.pngq\x0ea",
            b"u.",
        ]
    )


def written(protocol, old=False, **change):
    """A batch as this Python and NumPy write it, `old` under the names of NumPy 1."""
    content = pickle.dumps({"data": ROWS, "labels": LABELS, "batch_label": "part", **change}, protocol)
    if old and protocol < 4:  # lines
        return content.replace(b"numpy._core.", b"numpy.core.")
    if old:  # a length, then the name; and the frame is shorter by as much
        for name in (b"numpy._core.multiarray", b"numpy._core.numeric"):
            length = bytes([len(name)])
            content = content.replace(length + name, bytes([len(name) - 1]) + name.replace(b"_core", b"core"))
    return content


def test_a_file_of_python_2_is_read_as_the_usual_reader_reads_it():
    usual = pickle.loads(python_2(), encoding="bytes")
    found = pickles.read(python_2())
    assert {*found} == {"data", "labels", "batch_label", "filenames"} == {each.decode() for each in usual}
    assert np.array_equal(found["data"], ROWS) and np.array_equal(usual[b"data"], ROWS)
    assert found["labels"] == usual[b"labels"] == LABELS and found["filenames"] == usual[b"filenames"]
    assert found["data"].dtype == np.uint8 and b"numpy.core" in python_2() and b"_core" not in python_2()


@pytest.mark.parametrize("protocol", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("old", [False, True])
def test_newer_files_are_read_under_both_names_of_numpy(protocol, old):
    content = written(protocol, old)
    assert (b"numpy._core" not in content) == old
    found = pickles.read(content)
    assert (
        np.array_equal(found["data"], ROWS) and found["labels"] == LABELS and found["batch_label"] == "part"
    )


@pytest.mark.parametrize("protocol", [2, 5])
def test_numbers_of_every_kind_are_read_as_they_were(protocol):
    content = {
        "columns": np.asfortranarray(np.arange(6, dtype=np.int16).reshape(2, 3)),
        "reversed": np.array([1.5, -2.0], ">f8"),
        "truth": np.array([True, False]),
        "empty": np.zeros((0, 4), np.float32),
        "numbers": [1, -1, 2**40, -(2**70), 0.5, True, None, np.int64(7), np.float32(0.25)],
        "nested": {"of": [(1, 2, 3), (), ("text", b"bytes")]},
    }
    found = pickles.read(pickle.dumps(content, protocol))
    assert {*found} == {*content}
    for name in ("columns", "reversed", "truth", "empty"):
        assert found[name].dtype == content[name].dtype and np.array_equal(found[name], content[name]), name
    assert found["numbers"] == content["numbers"] and found["nested"] == content["nested"]


def test_every_truncation_is_refused_and_no_damage_does_worse():
    """Cut after each byte; then every byte outside the pixels replaced by each of a few others."""
    whole = python_2(ROWS[:1], [1])
    pixels = whole.index(ROWS[0].tobytes())
    outside = [*range(pixels), *range(pixels + 3072, len(whole))]
    for end in outside:
        with pytest.raises((pickles.Broken, pickles.Foreign)):
            pickles.read(whole[:end])
    stranger = 0
    for at in outside:
        for byte in b"\x00(R.bc\x93\xff":
            try:
                assert isinstance(pickles.read(whole[:at] + bytes([byte]) + whole[at + 1 :]), dict)
            except (pickles.Broken, pickles.Foreign):
                stranger += 1
    assert stranger > len(outside)


def short(text):
    """A string of Python 2."""
    return b"U" + bytes([len(text)]) + text


def named(*names):
    """Names on the stack, for a global of protocol 4."""
    return b"".join(b"\x8c" + bytes([len(each)]) + each for each in names) + b"\x93"


def hostile(path):
    """Programs that make the folder `path` in the usual reader."""
    given = b"X" + struct.pack("<I", len(path)) + path
    return {
        "a global called": b"\x80\x02cos\nmkdir\n" + given + b"\x85R.",
        "names on the stack": b"\x80\x04" + named(b"os", b"mkdir") + given + b"\x85R.",
        "dotted names": b"\x80\x04" + named(b"numpy._core", b"_methods.os.mkdir") + given + b"\x85R.",
        "an instance": b"(" + given + b"ios\nmkdir\n.",
        "an object": b"(cos\nmkdir\n" + given + b"o.",
        "through the memo": b"cos\nmkdir\nq\x00" + given + b"\x85q\x01h\x00h\x01R.",
        "a partial call": b"cfunctools\npartial\n(cos\nmkdir\n" + given + b"tR)R.",
        "evaluated text": b"cbuiltins\neval\n"
        + short(b"__import__('os').mkdir(%r)" % path.decode())
        + b"\x85R.",
        "an extension": b"\x82\xf0" + given + b"\x85R.",
        "inside a list": b"](cos\nmkdir\n" + given + b"\x85Re.",
        "a state that is a call": b"cnumpy\ndtype\n"
        + short(b"u1")
        + b"\x85R(K\x03cos\nmkdir\n"
        + given
        + b"\x85RNNNtb.",
    }


@pytest.fixture
def extension():
    """mkdir under a number, as the registry of extensions may hold one."""
    copyreg.add_extension(os.mkdir.__module__, "mkdir", 240)
    yield
    copyreg.remove_extension(os.mkdir.__module__, "mkdir", 240)


def test_no_program_in_a_pickle_is_run(tmp_path, extension):
    """Each makes a folder when the usual reader meets it, so each would have worked."""
    made = tmp_path / "made"
    for name, program in hostile(str(made).encode()).items():
        with pytest.raises(pickles.Foreign):
            pickles.read(program)
        assert not made.exists(), name
        with contextlib.suppress(TypeError, ValueError):  # of what comes after
            pickle.loads(program)
        assert made.exists(), name
        made.rmdir()


FOREIGN = {
    "objects": (pickle.dumps({"data": np.array([[1], None], dtype=object)}, 2), "dtype 'O8'"),
    "objects in a buffer": (pickle.dumps({"data": np.array([None])}, 5), "dtype 'O8'"),
    "text": (pickle.dumps({"data": np.array(["a"])}, 4), "dtype 'U1'"),
    "dates": (pickle.dumps({"data": np.array(["2000"], "M8[D]")}, 4), "dtype 'M8'"),
    "records": (pickle.dumps({"data": np.zeros(2, [("a", "u1")])}, 4), "dtype 'V1'"),
    "an object as a number": (
        b"cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\nU\x02O8\x85RNtR.",
        "dtype 'O8'",
    ),
    "fields of a plain dtype": (
        b"cnumpy\ndtype\nU\x02u1\x85R(K\x03U\x01|N(U\x01at}(U\x01aK\x00uJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb.",
        "records",
    ),
    "another array": (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nmatrix\nK\x00\x85U\x01btR.",
        "_reconstruct",
    ),
    "a function of numpy": (b"cnumpy\nfromfile\nU\x0b/etc/passwd\x85R.", "numpy.fromfile"),
    "its memory": (
        b"\x80\x04" + named(b"numpy._core.multiarray", b"_reconstruct.__self__") + b")R.",
        "_reconstruct.__self__",
    ),
    "another encoding": (b"c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00zip\x86R.", "_codecs.encode"),
    "a state for a name": (b"cnumpy\nndarray\n)b.", "numpy.ndarray"),
    "a state for a list": (b"])b.", "type list"),
    "items for a name": (b"cos\nenviron\nU\x04PATHU\x00s.", "os.environ"),
    "an item for a tuple": (b")K\x01a.", "type tuple"),
    "a new object": (b"cbuiltins\nlist\n)\x81.", "NEWOBJ"),
    "a new object with names": (b"cbuiltins\nlist\n)}\x92.", "NEWOBJ_EX"),
    "a persistent name": (b"Pname\n.", "PERSID"),
    "a persistent value": (b"K\x01Q.", "BINPERSID"),
    "a buffer from elsewhere": (b"\x80\x05\x97.", "NEXT_BUFFER"),
    "a set": (b"\x80\x04\x8f.", "EMPTY_SET"),
    "no dictionary": (b"K\x01.", "type int"),
    "protocol 0": (b"(dp0\n.", "DICT"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_what_no_batch_of_images_holds_is_named(name):
    program, word = FOREIGN[name]
    with pytest.raises(pickles.Foreign) as caught:
        pickles.read(program)
    assert word in str(caught.value)


def counted(code, n):
    return code + struct.pack("<Q" if code in b"\x8e\x8d\x96" else "<I", n)


def one_array(shape, content=b"\x00"):
    """An array of bytes whose shape is this instruction, in a dictionary."""
    return (
        b"}(U\x04datacnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR(K\x01"
        + shape
        + b"cnumpy\ndtype\nU\x02u1\x85R\x89"
        + short(content)
        + b"tbu."
    )


def test_a_small_file_cannot_ask_for_much_memory():
    many = b"\x8a\x06\x00\x00\x00\x00\x00\x01"  # 2^40
    text = b"X" + struct.pack("<I", 100_000) + b"a" * 100_000 + b"q\x00"
    encoded = b"c_codecs\nencode\nq\x01X\x06\x00\x00\x00latin1q\x02"
    asks = {
        "bytes": b"\x80\x04" + counted(b"\x8e", 2**40) + b"a.",
        "text": b"\x80\x04" + counted(b"\x8d", 2**40) + b"a.",
        "an array of bytes": b"\x80\x05" + counted(b"\x96", 2**40) + b"a.",
        "a string": counted(b"T", 2**31 - 1) + b"a.",
        "a number": counted(b"\x8b", 2**31 - 1) + b"a.",
        "a shape": one_array(many + b"\x85"),
        "a shape of nothing": one_array(b"K\x00" + many + many + b"\x87", b""),
        "one text many times": text + encoded + b"](" + b"h\x01h\x00h\x02\x86R" * 2000 + b"e.",
    }
    tracemalloc.start()
    for name, program in asks.items():
        with pytest.raises((pickles.Foreign, pickles.Broken)):
            pickles.read(program)
        assert tracemalloc.get_traced_memory()[1] < 4e6, name
    tracemalloc.stop()
    memo = b"}r\xff\xff\xff\xff."  # the usual reader makes room for four thousand million
    assert pickles.read(memo) == {}
    assert pickles.read(one_array(b"K\x01\x85"))["data"].tolist() == [0]


# CIFAR


def cifar_10(folder, content=python_2):
    folder.mkdir(parents=True, exist_ok=True)
    for name in data.CIFAR_10:
        (folder / name).write_bytes(content())
    return folder


def test_both_forms_of_the_folder_are_found(tmp_path):
    folder = cifar_10(tmp_path / "cifar-10-batches-py")
    for where in (folder, tmp_path, str(tmp_path)):
        found = data.load(where)
        assert (found.name, found.classes, found.shape) == ("CIFAR-10", 10, (32, 32, 3))
        assert len(found.train_x) == 15 and len(found.test_x) == 3
        assert found.train_y.tolist() == LABELS * 5 and found.test_y.tolist() == LABELS


def test_a_pixel_is_where_its_row_has_it(tmp_path):
    """The row holds the red channel line by line, then the green, then the blue one."""
    found = data.load(cifar_10(tmp_path))
    assert found.train_x.dtype == np.uint8 and found.train_x.flags.c_contiguous
    for image, line, column, channel in [(0, 0, 0, 0), (1, 31, 0, 2), (2, 5, 17, 1), (14, 30, 31, 0)]:
        value = ROWS[image % 3, 1024 * channel + 32 * line + column]
        assert found.train_x[image, line, column, channel] == value
    assert np.array_equal(found.test_x, found.train_x[:3])


def test_cifar_100_has_its_fine_labels(tmp_path):
    content = {b"data": ROWS, b"fine_labels": [99, 0, 5], b"coarse_labels": [1, 2, 3]}
    (tmp_path / "cifar-100-python").mkdir()
    for name in data.CIFAR_100:
        (tmp_path / "cifar-100-python" / name).write_bytes(pickle.dumps(content, 4))
    found = data.load(tmp_path)
    assert (found.name, found.classes) == ("CIFAR-100", 100) and found.train_y.tolist() == [99, 0, 5]


def test_md5_sums_are_compared_file_by_file_and_nothing_is_refused(tmp_path, monkeypatch):
    folder = cifar_10(tmp_path)
    said = data.load(folder).notes
    assert len(said) == 1 and "not as published" in said[0] and "data_batch_1, data_batch_2" in said[0]
    known = dict.fromkeys(data.CIFAR_10, hashlib.md5(python_2()).hexdigest())
    monkeypatch.setattr(data, "CIFAR_10", known)
    assert data.load(folder).notes == ("md5 as published: " + ", ".join(known),)
    (folder / "data_batch_3").write_bytes(python_2(labels=[6, 9, 1]))
    same, other = data.load(folder).notes
    assert "data_batch_3" not in same and other.endswith(": data_batch_3")


def test_batches_beyond_the_examples_asked_for_are_not_opened(tmp_path):
    folder = cifar_10(tmp_path)
    for k in (3, 4, 5):
        (folder / f"data_batch_{k}").write_bytes(b"no pickle")
    assert len(data.load(folder, examples=5).train_y) == 5
    refused(lambda: data.load(folder, examples=7), "data_batch_3")


@pytest.mark.parametrize(
    "content, words",
    [
        (None, ["data_batch_2", "missing", "copy"]),
        (b"", ["truncated", "copy it again"]),
        (python_2()[:5000], ["truncated", "copy it again"]),
        (b"<html>not found</html>", ["copy it again"]),
        (b"cos\nmkdir\nX\x01\x00\x00\x00a\x85R.", ["os.mkdir", "copy it again"]),
        (pickle.dumps({"labels": LABELS}), ["NoneType", "uint8 (n, 3072)"]),
        (pickle.dumps({"data": ROWS.astype(float) * math.nan, "labels": LABELS}), ["float64 (3, 3072)"]),
        (pickle.dumps({"data": ROWS[:, :100], "labels": LABELS}), ["(3, 100)", "(n, 3072)"]),
        (pickle.dumps({"data": ROWS, "fine_labels": LABELS}), ["labels", "NoneType"]),
        (pickle.dumps({"data": ROWS, "labels": [1, 2]}), ["2 values", "3 whole numbers"]),
        (pickle.dumps({"data": ROWS, "labels": [1, 2, 0.5]}), ["3 whole numbers"]),
        (pickle.dumps({"data": ROWS, "labels": [1, 10, 2]}), ["label 10", "0 to 9"]),
        (pickle.dumps({"data": ROWS, "labels": [1, -1, 2]}), ["label -1", "0 to 9"]),
    ],
)
def test_a_missing_truncated_or_foreign_batch_is_named(tmp_path, content, words):
    path = cifar_10(tmp_path) / "data_batch_2"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    refused(lambda: data.load(tmp_path), str(path), *words)


def test_labels_may_be_an_array_or_numbers_of_numpy(tmp_path):
    folder = cifar_10(tmp_path)
    for labels in (np.array(LABELS), [np.int64(each) for each in LABELS]):
        (folder / "data_batch_1").write_bytes(written(4, labels=labels))
        assert data.load(folder).train_y[:3].tolist() == LABELS


def test_folders_without_data_or_with_several_sets_are_refused(tmp_path):
    refused(lambda: data.load(tmp_path / "absent"), "absent", "CIFAR-10", "digits")
    refused(lambda: data.load(tmp_path), "data_batch_1", "cifar-100-python", "FashionMNIST/raw")
    refused(lambda: data.load("digits:3"), "digits:3")
    cifar_10(tmp_path / "cifar-10-batches-py")
    fashion(tmp_path / "FashionMNIST" / "raw")
    refused(lambda: data.load(tmp_path), "several", "cifar-10-batches-py", "raw")
    refused(
        lambda: data.load(tmp_path / "cifar-10-batches-py" / "test_batch"), "test_batch is a file", "unpack"
    )
    (tmp_path / "data_batch_1").mkdir()
    assert data.load(tmp_path / "FashionMNIST" / "raw").name == "Fashion-MNIST"


# Fashion-MNIST


IMAGES = np.arange(2 * 28 * 28).astype(np.uint8).reshape(2, 28, 28)


def idx(array):
    """0, 0, the code of bytes, the number of axes; their sizes in four bytes, the first the highest."""
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return head + array.astype(np.uint8).tobytes()


def fashion(folder, packed=True, labels=(9, 0)):
    folder.mkdir(parents=True, exist_ok=True)
    for name in data.FASHION_MNIST:
        content = idx(IMAGES if "images" in name else np.array(labels))
        path = folder / (name + ".gz" * packed)
        path.write_bytes(gzip.compress(content) if packed else content)
    return folder


@pytest.mark.parametrize("packed", [True, False])
def test_idx_files_are_read_packed_or_not(tmp_path, packed):
    fashion(tmp_path / "FashionMNIST" / "raw", packed)
    found = data.load(tmp_path)
    assert (found.name, found.classes, found.shape) == ("Fashion-MNIST", 10, (28, 28, 1))
    assert np.array_equal(found.train_x[..., 0], IMAGES) and found.test_y.tolist() == [9, 0]
    (said,) = found.notes
    assert ("not as published" if packed else "without a published md5") in said and "t10k-labels" in said


@pytest.mark.parametrize(
    "content, words",
    [
        (None, ["missing"]),
        (gzip.compress(idx(IMAGES))[:-20], ["truncated"]),
        (b"\x1f\x8b\x08" + b"\x00" * 40, ["damaged"]),
        (idx(IMAGES), ["no gzip file"]),
        (gzip.compress(idx(IMAGES)[:-1]), ["(2, 28, 28)", "1567", "1568"]),
        (gzip.compress(idx(IMAGES) + b"a"), ["1569", "1568"]),
        (gzip.compress(idx(np.array([1, 2]))), ["3 axes", "00 00 08 01"]),
        (gzip.compress(b""), ["nowhere"]),
        (gzip.compress(idx(IMAGES[:1])), ["1 images", "2 labels"]),
        (gzip.compress(bytes([0, 0, 8, 3]) + b"\xff" * 12), ["0 values"]),
    ],
)
def test_a_missing_truncated_or_foreign_idx_file_is_named(tmp_path, content, words):
    path = fashion(tmp_path) / "train-images-idx3-ubyte.gz"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    refused(lambda: data.load(tmp_path), "train-images", "copy" if "images" not in words[0] else "", *words)


def test_labels_beyond_the_ten_classes_are_refused(tmp_path):
    refused(lambda: data.load(fashion(tmp_path, labels=(3, 10))), "train-labels-idx1-ubyte", "label 10")


def test_a_packed_file_may_not_be_huge(tmp_path, monkeypatch):
    path = fashion(tmp_path) / "t10k-images-idx3-ubyte.gz"
    monkeypatch.setattr(data, "LARGEST", 10_000)
    path.write_bytes(gzip.compress(bytes(20_000)))
    refused(lambda: data.load(tmp_path), str(path), "larger than 10000 bytes")
