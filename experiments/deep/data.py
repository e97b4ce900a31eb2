"""Images and labels for the deep networks, as NumPy arrays.

    load("digits")                      the 1797 digits of scikit-learn, 8 x 8, split into 1297 and 500
    load("teacher:50000,32,32,3,10")    any number of random images, labelled by a random network
    load(FOLDER)                        CIFAR-10 or CIFAR-100 in python batches, or Fashion-MNIST in IDX files

FOLDER holds the files themselves or one of cifar-10-batches-py, cifar-100-python, FashionMNIST/raw; nothing
is ever downloaded. Images are (n, height, width, channels), labels whole numbers from 0.
"""

import hashlib
import struct
import zlib
from dataclasses import dataclass
from math import prod, sqrt
from pathlib import Path
from typing import NamedTuple

import numpy as np

from experiments.data import bundle
from experiments.deep import pickles
from experiments.record import Refused
from theory import admit

DIGITS, DIGITS_TEST = 1797, 500
TEACHER = (2048, 8, 8, 1, 10)  # images, height, width, channels, classes
HIDDEN = 64  # of the teacher
LARGEST = 2**30  # bytes of an unpacked file

# The md5 sums that torchvision checks: of each file, for Fashion-MNIST of the compressed one.
CIFAR_10 = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
CIFAR_100 = {
    "train": "16019d7e3df5f24257cddd939b257f8d",
    "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
}
FASHION_MNIST = {
    "train-images-idx3-ubyte": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte": "bb300cfdad3c16e7a12a480ee83cd310",
}


@dataclass(frozen=True, eq=False)
class Dataset:
    """A training and a test set, with the moments of the training images channel by channel."""

    name: str
    train_x: np.ndarray  # (n, height, width, channels), uint8 or float
    train_y: np.ndarray  # (n,), int32
    test_x: np.ndarray
    test_y: np.ndarray
    classes: int
    mean: np.ndarray  # (channels,), float64, in the units of the images
    deviation: np.ndarray  # (channels,)
    notes: tuple[str, ...] = ()  # sentences to be told with a result

    @property
    def shape(self):
        """(height, width, channels)."""
        return self.train_x.shape[1:]


def load(where, *, seed=0, noise=0.0, examples=None):
    """The data set named or found at `where`.

    `examples` keeps the first n training images; mean and deviation are of those, and of the five files of
    CIFAR-10 those beyond are not opened. Of the n labels exactly round(noise * n) are moved, each to one of
    the other classes with equal chance. `seed` chooses which, and the teacher, and nothing else: seeds of
    training share their data.

    Raises `Refused`, one sentence, for files that are missing, truncated or foreign, for values out of range.
    """
    examples = None if examples is None else admit.whole(examples, "the number of training examples", 1)
    seed = admit.whole(seed, "the seed of the data", 0)
    noise = admit.number(noise, "the fraction of moved labels")
    if not 0 <= noise <= 1:
        raise Refused(f"the fraction of moved labels must lie in [0, 1]; got {noise:g}")
    name, _, sizes = str(where).partition(":")
    if name == "digits" and not sizes:
        found = digits()
    elif name == "teacher":
        found = teacher(sizes, seed)
    else:
        found = from_folder(Path(where), examples)
    if examples is not None:
        if examples > len(found.train_y):
            raise Refused(
                f"{found.name} has {len(found.train_y)} training examples; {examples} were asked for"
            )
        found = found._replace(train_x=found.train_x[:examples], train_y=found.train_y[:examples])
    count = round(noise * len(found.train_y))
    if count:
        moved = with_moved_labels(found.train_y, found.classes, count, seed)
        told = f"{count} of the {len(moved)} training labels are moved to another class"
        found = found._replace(train_y=moved, notes=(*found.notes, told))
    return dataset(*found)


class Images(NamedTuple):
    """What is read, before its moments are taken; fields as in `Dataset`."""

    name: str
    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    classes: int
    notes: tuple[str, ...] = ()


def dataset(name, train_x, train_y, test_x, test_y, classes, notes=()):
    """A `Dataset` of any arrays; refuses wrong shapes, NaN, and labels outside 0 ... classes - 1."""
    classes = admit.whole(classes, f"the number of classes of {name}", 2)
    for part, x, y in [("training", train_x, train_y), ("test", test_x, test_y)]:
        if x.ndim != 4 or 0 in x.shape or x.shape[1:] != train_x.shape[1:] or y.shape != x.shape[:1]:
            raise Refused(
                f"the {part} images of {name} must be (n, height, width, channels) with n labels, "
                f"of one size; got {x.shape} and {y.shape}"
            )
        if x.dtype != np.uint8 and not np.all(np.isfinite(x)):
            image, *place = (int(i) for i in np.argwhere(~np.isfinite(x))[0])
            wrong = x[image, *place]
            raise Refused(f"{part} image {image} of {name} has the value {wrong:g}: remove or replace it")
        admit_labels(y, classes, f"the {part} set of {name}")
    train_y, test_y = train_y.astype(np.int32), test_y.astype(np.int32)
    mean, deviation = moments(train_x)
    return Dataset(name, train_x, train_y, test_x, test_y, classes, mean, deviation, tuple(notes))


def admit_labels(labels, classes, where):
    wrong = labels[(labels < 0) | (labels >= classes)]
    if len(wrong):
        raise Refused(f"{where} has the label {wrong[0]}; there are 0 to {classes - 1}")


def moments(x):
    """Mean and deviation of every channel; 1 in place of the deviation of a constant one.

    Of bytes from their histogram, in whole numbers: with S the sum and Q the sum of squares of N values the
    variance is (N Q - S^2) / N^2, rounded once.
    """
    if x.dtype == np.uint8:
        value, n = np.arange(256), x[..., 0].size
        sums = [(int(count @ value), int(count @ value**2)) for count in histograms(x)]
        mean = np.array([s / n for s, _ in sums])
        deviation = np.sqrt([(n * q - s**2) / n**2 for s, q in sums])
    else:
        x = x.astype(float)
        mean, deviation = x.mean((0, 1, 2)), x.std((0, 1, 2)) * (np.ptp(x, axis=(0, 1, 2)) > 0)
    return mean, np.where(deviation > 0, deviation, 1.0)


def histograms(x):
    """(channels, 256): how often each byte occurs. Part by part, since bincount makes 8 bytes of each."""
    counts = np.zeros((x.shape[-1], 256), np.int64)
    for part in np.array_split(x, -(-x.size // 2**20)):
        for count, channel in zip(counts, np.moveaxis(part, -1, 0), strict=True):
            count += np.bincount(channel.ravel(), minlength=256)
    return counts


def with_moved_labels(labels, classes, count, seed):
    """Symmetric label noise: `count` labels, each replaced by one of the other classes with equal chance.

    More of them with the same seed move the same ones, to the same classes, and others.

    Place: af22's public code (noise "sym"). To draw all classes, the own one too, would move fewer.
    """
    random = np.random.default_rng([seed, 1])
    chosen = random.permutation(len(labels))[:count]
    shift = random.integers(1, classes, len(labels))[:count]
    labels = labels.copy()
    labels[chosen] = (labels[chosen] + shift) % classes
    return labels


# What needs no files


def digits():
    """scikit-learn's digits, values 0 to 16. Image i is a test image where 500 i mod 1797 < 500.

    1797 and 500 have no common factor, so these are 500, and spread over the order of the file.
    """
    table = np.loadtxt(bundle() / "digits.csv.gz", delimiter=",", dtype=np.uint8)
    x, y = table[:, :-1].reshape(-1, 8, 8, 1), table[:, -1]
    test = np.arange(DIGITS) * DIGITS_TEST % DIGITS < DIGITS_TEST
    return Images("digits", x[~test], y[~test], x[test], y[test], 10)


def teacher(sizes, seed):
    """n images of independent uniform bytes and a quarter as many to test, labelled by a random network.

    With z the pixels at mean 0 and variance 1, d of them, the label is the largest entry of V' tanh(W' z),
    the entries of W normal of variance 1/d and every column of V uniform on the sphere: no class is favoured.
    """
    try:
        n, height, width, channels, classes = map(int, sizes.split(",")) if sizes else TEACHER
        if min(n, height, width, channels) < 1 or classes < 2:
            raise ValueError
    except ValueError:
        raise Refused(
            f"a teacher is teacher:n,height,width,channels,classes, whole numbers, such as "
            f"teacher:{','.join(map(str, TEACHER))}; got {sizes!r}"
        ) from None
    test = -(-n // 4)
    shape, size = (height, width, channels), height * width * channels
    if (n + test) * size > 2**36:
        raise Refused(f"a teacher of {sizes} takes {(n + test) * size / 2**30:.0f} GiB; ask for fewer images")
    random = np.random.default_rng([seed, 0])
    first = random.standard_normal((size, HIDDEN)) / sqrt(size)
    second = random.standard_normal((HIDDEN, classes))
    second /= np.linalg.norm(second, axis=0)
    x = random.integers(0, 256, (n + test, *shape), dtype=np.uint8)
    middle, spread = 255 / 2, sqrt((256**2 - 1) / 12)
    y = np.concatenate(
        [
            np.argmax(np.tanh((block.reshape(len(block), -1) - middle) / spread @ first) @ second, axis=1)
            for block in np.array_split(x, -(-len(x) // 1000))
        ]
    )
    return Images("teacher", x[:n], y[:n], x[n:], y[n:], classes)


# Files


def from_folder(path, examples):
    """The one data set whose files are in `path` or in the folder under it that the archives make."""
    if path.is_file():
        raise Refused(f"{path} is a file: unpack it and name the folder")
    if not path.is_dir():
        raise Refused(
            f"there is no folder {path}: give one that holds CIFAR-10, CIFAR-100 or Fashion-MNIST, "
            f"or digits, or teacher"
        )
    forms = [
        (cifar_10, CIFAR_10, "cifar-10-batches-py"),
        (cifar_100, ["train"], "cifar-100-python"),
        (fashion_mnist, FASHION_MNIST, "FashionMNIST/raw"),
    ]
    found = [
        (reader, folder)
        for reader, signs, under in forms
        for folder in (path, path / under)
        if any((folder / (name + end)).is_file() for name in signs for end in ("", ".gz"))
    ]
    if not found:
        raise Refused(
            f"{path} holds neither CIFAR-10 (data_batch_1), nor CIFAR-100 (train), nor Fashion-MNIST "
            f"(train-images-idx3-ubyte.gz), nor a folder {', '.join(under for *_, under in forms)} with them"
        )
    if len(found) > 1:
        raise Refused(
            f"{path} holds several data sets; name one of {', '.join(str(each) for _, each in found)}"
        )
    ((reader, folder),) = found
    return reader(folder, examples)


def cifar_10(folder, examples):
    """Five batches of 10,000 training images and one of 10,000 test images."""
    *names, last = CIFAR_10
    train: list[Batch] = []
    for name in names:
        if examples is None or sum(len(each.labels) for each in train) < examples:
            train.append(batch(folder / name, "labels", 10))
    return from_batches("CIFAR-10", train, batch(folder / last, "labels", 10), 10, CIFAR_10)


def cifar_100(folder, examples):
    """One batch of 50,000 training images, one of 10,000 test images, with the 100 fine labels."""
    train, test = (batch(folder / name, "fine_labels", 100) for name in CIFAR_100)
    return from_batches("CIFAR-100", [train], test, 100, CIFAR_100)


class Batch(NamedTuple):
    file: str
    rows: np.ndarray  # (n, 3072), the three channels of an image one after the other
    labels: np.ndarray  # (n,)
    md5: str


def from_batches(name, train, test, classes, official):
    notes = compared({each.file: each.md5 for each in [*train, test]}, official)
    train_x, test_x = images([each.rows for each in train]), images([test.rows])
    train_y = np.concatenate([each.labels for each in train])
    return Images(name, train_x, train_y, test_x, test.labels, classes, notes)


def images(parts):
    """The rows of all parts as (n, 32, 32, 3), channel by channel; one transpose takes 7 times as long."""
    x = np.empty((sum(map(len, parts)), 32, 32, 3), np.uint8)
    start = 0
    for rows in parts:
        channels = rows.reshape(-1, 3, 32, 32)
        for c in range(3):
            x[start : start + len(rows), ..., c] = channels[:, c]
        start += len(rows)
    return x


def fashion_mnist(folder, examples):
    """Four IDX files, as they come (.gz) or unpacked."""
    arrays, sums = [], {}
    for name in FASHION_MNIST:
        packed = folder / f"{name}.gz"
        array, found = idx(packed if packed.is_file() else folder / name, 3 if "images" in name else 1)
        arrays.append(array)
        sums[name] = found if packed.is_file() else None
    train_x, train_y, test_x, test_y = arrays
    for part, x, y in [("train", train_x, train_y), ("t10k", test_x, test_y)]:
        if len(x) != len(y):
            raise Refused(f"{folder}: {part}-images holds {len(x)} images and {part}-labels {len(y)} labels")
        admit_labels(y, 10, f"{folder}/{part}-labels-idx1-ubyte")
    train_x, test_x = train_x[..., None], test_x[..., None]
    return Images("Fashion-MNIST", train_x, train_y, test_x, test_y, 10, compared(sums, FASHION_MNIST))


def compared(sums, official):
    """What to say of the md5 sums found; None where the file has none published."""
    same = [name for name, found in sums.items() if found == official[name]]
    unknown = [name for name, found in sums.items() if found is None]
    other = [name for name in sums if name not in same + unknown]
    sentences = {
        "md5 as published: ": same,
        "md5 not as published, so not the original file bit by bit: ": other,
        "unpacked, so without a published md5: ": unknown,
    }
    return tuple(start + ", ".join(names) for start, names in sentences.items() if names)


def batch(path, key, classes):
    """One pickled batch of 32 x 32 images."""
    raw = content(path)
    again = "copy it again from the official archive"
    try:
        table = pickles.read(raw)
    except pickles.Foreign as wrong:
        raise Refused(f"{path} holds {wrong}, which no batch of images does: {again}") from None
    except pickles.Broken as wrong:
        raise Refused(f"{path} is truncated or no pickle ({wrong}): {again}") from None
    x, labels = table.get("data"), table.get(key)
    if not isinstance(x, np.ndarray) or x.dtype != np.uint8 or x.ndim != 2 or x.shape[1] != 3 * 32 * 32:
        what = f"{x.dtype} {x.shape}" if isinstance(x, np.ndarray) else pickles.shown(x)
        raise Refused(f"{path} has {what} for its data, where uint8 (n, 3072) is needed: {again}")
    if isinstance(labels, np.ndarray) and labels.ndim == 1:
        labels = labels.tolist()
    if not isinstance(labels, list) or len(labels) != len(x) or any(type(each) is not int for each in labels):
        what = f"{len(labels)} values" if isinstance(labels, list) else pickles.shown(labels)
        raise Refused(f"{path} has {what} for its {key}, where {len(x)} whole numbers are needed: {again}")
    wrong_labels = [each for each in labels if not 0 <= each < classes]
    if wrong_labels:
        raise Refused(f"{path} has the label {wrong_labels[0]}; there are 0 to {classes - 1}: {again}")
    return Batch(path.name, x, np.array(labels, np.int32), md5(raw))


def idx(path, rank):
    """(array, md5) of an IDX file of bytes: a big-endian header 0, 0, 8, rank, sizes, then the values."""
    raw = content(path)
    plain = unpacked(path, raw) if path.suffix == ".gz" else raw
    start = 4 + 4 * rank
    if len(plain) < start or plain[:4] != bytes([0, 0, 8, rank]):
        raise Refused(
            f"{path} is no IDX file of bytes with {rank} axes (it begins {plain[:4].hex(' ') or 'nowhere'}): "
            "copy it again"
        )
    shape = struct.unpack(f">{rank}I", plain[4:start])
    if prod(shape) != len(plain) - start:
        raise Refused(
            f"{path} says {shape} and has {len(plain) - start} values, not {prod(shape)}: copy it again"
        )
    return np.frombuffer(plain, np.uint8, offset=start).reshape(shape), md5(raw)


def content(path):
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise Refused(f"{path} is missing: copy the whole folder of the official archive") from None
    except OSError as wrong:
        raise Refused(f"cannot read {path} ({wrong.strerror}): copy it again or mend its rights") from None


def unpacked(path, raw):
    """The content of a gzip file, its checksum verified; a small file may not claim to be a huge one."""
    stream = zlib.decompressobj(wbits=31)  # the gzip format
    try:
        plain = stream.decompress(raw, LARGEST)
    except zlib.error as wrong:
        raise Refused(f"{path} is damaged or no gzip file ({wrong}): copy it again") from None
    if not stream.eof:
        what = "truncated" if len(plain) < LARGEST else f"larger than {LARGEST} bytes unpacked"
        raise Refused(f"{path} is {what}: copy it again")
    return plain


def md5(raw):
    return hashlib.md5(raw, usedforsecurity=False).hexdigest()
