"""What decides the numbers of a run, and the flags that say it: the fields of `Settings` and `Rule`.

The configuration of a run is the text of all its flags, name -> text: it stands in checkpoints and results
and gives the command back. Where several values are given, with commas, the runs of the grid are all their
combinations; seeds also as 0-4, the last of them included.
"""

import ast
import inspect
import re
from dataclasses import dataclass, field, fields, replace
from itertools import product
from math import inf, isfinite
from types import NoneType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

import optax

from experiments.deep import nets, schedules
from experiments.deep.augment import PADDINGS
from experiments.deep.rule import Rule, Values, checked
from experiments.record import Refused
from theory import admit

MOST_SEED = 2**31 - 1
SCHEDULED = ("gamma", "rho", "lam")
SUBSET = 512  # examples of a measurement
BY_VALUE = ("clip", "smoothing")  # fields of Rule that say whether such a value is given


class Switch(NamedTuple):
    """From the beginning of this epoch on (the first is 1) these flags of Rule and Values have new texts."""

    epoch: int
    changes: tuple[tuple[str, str], ...]


class Segment(NamedTuple):
    """A stretch of epochs under one rule."""

    epoch: int  # its first
    rule: Rule
    changes: dict[str, Any]  # values in place of the run's


def told(group, text, default):
    return field(default=default, metadata={"group": group, "help": text})


@dataclass(frozen=True)
class Settings:
    net: str = told("net", f"one of {', '.join(nets.NAMES)}", "mlp")
    norm: str = told("net", f"one of {', '.join(nets.NORMS)}", "group")

    data: str = told("data", "digits, teacher[:n,height,width,channels,classes], or a folder", "digits")
    data_seed: int = told("data", "of the teacher and of moved labels; all seeds of a grid share it", 0)
    examples: int | None = told("data", "the first so many training examples alone", None)
    test_examples: int | None = told("data", "the first so many test examples alone", None)
    noise: float = told("data", "the fraction of training labels moved to another class", 0.0)
    crop: int = told("data", "pixels of padding around an image before a random crop", 0)
    padding: str = told("data", f"what stands there: {' or '.join(PADDINGS)}", "zero")
    flip: bool = told("data", "left and right exchanged at random", False)
    cutout: int = told("data", "side of a random square of zeros", 0)

    batch: int = told("length", "examples of a step; those that fill no batch sit out an epoch", 64)
    epochs: int = told("length", "passes over the data", 30)
    steps: int | None = told("length", "steps in all, in place of epochs", None)

    seeds: tuple[int, ...] = told("grid", "of weights, order, augmentation and random ascents", (0,))
    gamma: tuple[str, ...] = told(
        "grid", f"the step, a schedule: a number, {schedules.FORMS}", ("cosine:0.1",)
    )
    rho: tuple[str, ...] = told("grid", "the radius, a schedule too", ("0.05",))
    lam: tuple[str, ...] = told("grid", "the mixing, a schedule too: 1 SAM, 0 USAM", ("1",))
    decay: tuple[float, ...] = told("grid", "weight decay", (0.0,))
    eta: tuple[float, ...] = told("grid", "what is added to T of an adaptive rule", (0.0,))
    ascent_size: tuple[float, ...] = told("grid", "of each projected ascent, in units of the radius", (1.0,))
    clip: tuple[float, ...] = told("grid", "the largest norm of a gradient", ())
    smoothing: tuple[float, ...] = told("grid", "of labels", ())

    optimizer: str = told("rule", "any of optax, such as adam:b1=0.9,b2=0.95", "sgd:momentum=0.9")
    switch: tuple[Switch, ...] = told("rule", "EPOCH:name=value,... from that epoch on; may come again", ())
    measure: tuple[int, ...] = told("measures", "epochs after which sharpness is measured; 0: the start", ())
    measure_examples: int | None = told(
        "measures", f"the first so many training examples (none: {SUBSET}, or all)", None
    )
    measure_rho: float | None = told("measures", "the radius (none: the run's own at that step)", None)
    measure_adaptive_rho: float = told("measures", "the radius where T = |w|", 0.5)
    measure_group: int | None = told("measures", "m of the m-sharpness (none: all examples)", None)
    measure_chunk: int | None = told("measures", "examples at a time, where memory is short", None)
    density: bool = told("measures", "with the spectral density, in density.csv", False)
    rule: Rule = Rule()

    def __post_init__(self):
        for name, known in {"net": nets.NAMES, "norm": nets.NORMS, "padding": PADDINGS}.items():
            if getattr(self, name) not in known:
                raise Refused(f"{flag(name)} is one of {', '.join(known)}; got {getattr(self, name)!r}")
        for name, least in {"batch": 1, "epochs": 1, "data_seed": 0, "crop": 0, "cutout": 0}.items():
            admit.whole(getattr(self, name), flag(name), least)
        for name in (
            "examples",
            "test_examples",
            "steps",
            "measure_examples",
            "measure_group",
            "measure_chunk",
        ):
            if getattr(self, name) is not None:
                admit.whole(getattr(self, name), flag(name), 1)
        for name in VARIED:
            self.check_values(name)
        for epoch in self.measure:
            admit.whole(epoch, flag("measure"), 0)
        for name in ("measure_rho", "measure_adaptive_rho"):
            if getattr(self, name) is not None and not 0 <= getattr(self, name) < inf:
                raise Refused(f"{flag(name)} takes a radius, not negative; got {getattr(self, name):g}")
        epochs = [each.epoch for each in self.switch]
        if sorted(set(epochs)) != epochs:
            raise Refused(f"--switch takes rising epochs, each once; got {', '.join(map(str, epochs))}")
        optimizer(self.optimizer)
        self.check_rules()

    def check_values(self, name):
        given = getattr(self, name)
        if not isinstance(given, tuple):
            raise Refused(f"{name} is a tuple of values, one for each run; got {given!r}")
        if name not in BY_VALUE and not given:
            raise Refused(f"{flag(name)} needs a value")
        if len(set(given)) < len(given):
            raise Refused(f"{flag(name)} takes every value once; got {shown(given)}")
        for value in given:
            if name == "seeds":
                admit.whole(value, "a seed", 0, MOST_SEED)
            elif name not in SCHEDULED and not isfinite(value):
                raise Refused(f"{flag(name)} takes finite numbers; got {value}")

    def check_rules(self):
        """Every run under every rule that it meets."""
        for segment in self.segments():
            for run in self.runs():
                values(run, segment)
            for name in ("group", "micro"):
                size = getattr(segment.rule, name)
                if size and self.batch % size:
                    raise Refused(f"{flag(name)} must divide --batch {self.batch}; got {size}")
            if segment.rule.micro and self.norm == "batch":
                raise Refused(
                    "batch norm sees the whole batch, not micro-batches: take --norm group or no --micro"
                )

    def runs(self):
        """Every combination of values, a dictionary each; seeds change from run to run first."""
        names = [name for name in VARIED if getattr(self, name)]
        each = product(*(getattr(self, name) for name in names))
        return [dict(zip(names, combination, strict=True)) for combination in each]

    def label(self, run):
        """What distinguishes a run from the others."""
        varied = {name: value for name, value in run.items() if len(getattr(self, name)) > 1}
        return " ".join(f"{column(name)}={shown(value)}" for name, value in varied.items())

    def segments(self):
        rule = replace(self.rule, clip=bool(self.clip), smoothing=bool(self.smoothing))
        out = [Segment(1, rule, {})]
        for switch in self.switch:
            out.append(switched(out[-1], switch))
        return out


VARIED = (*Values._fields, "seeds")
HINTS = {name: hint for name, hint in get_type_hints(Settings).items() if name != "rule"}
RULES = {name: hint for name, hint in get_type_hints(Rule).items() if name not in BY_VALUE}
FLAGS = HINTS | RULES


def switched(segment, switch):
    """The segment after a switch."""
    numbers: dict[str, Any] = dict(segment.changes)
    rule: dict[str, Any] = {}
    for name, text in switch.changes:
        if name in Values._fields:
            numbers[name] = parsed(text, str if name in SCHEDULED else float, name)
            rule |= {name: True} if name in BY_VALUE else {}
        elif name in RULES:
            rule[name] = parsed(text, RULES[name], name)
        else:
            known = ", ".join((*Values._fields, *RULES))
            raise Refused(f"--switch changes {known}; got {name!r}")
    return Segment(switch.epoch, replace(segment.rule, **rule), numbers)


def values(run, segment):
    """`Values` of a run within a segment, refused where they mean nothing."""
    given = run | segment.changes
    found = {name: given[name] for name in Values._fields if name in given}
    return checked(segment.rule, Values(**found | {name: scheduled(found[name], name) for name in SCHEDULED}))


def scheduled(text, name):
    try:
        return schedules.schedule(text)
    except ValueError as wrong:
        raise Refused(f"{flag(name)}: {wrong}") from None


def optimizer(text):
    """An optax transformation of step 1, by its name and arguments: sgd:momentum=0.9,nesterov=True."""
    name, _, rest = text.partition(":")
    make: Any = getattr(optax, name, None)
    known = inspect.signature(make).parameters if callable(make) else {}
    if "learning_rate" not in known:
        raise Refused(f"--optimizer takes an optimizer of optax, such as sgd or adam; got {name!r}")
    arguments = {}
    for part in filter(None, rest.split(",")):
        key, _, value = part.partition("=")
        if key not in known or key == "learning_rate":
            raise Refused(f"--optimizer: {name} of optax takes no {key!r} here; the step is --gamma")
        try:
            arguments[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            raise Refused(f"--optimizer: {key} takes a number, True or False; got {value!r}") from None
    try:
        return make(learning_rate=1.0, **arguments)
    except (TypeError, ValueError) as wrong:
        raise Refused(f"--optimizer {text}: {wrong}") from None


# Texts


def flag(name):
    return "--" + name.replace("_", "-")


def column(name):
    return "seed" if name == "seeds" else name


def texts(settings):
    """name -> text of every flag: the configuration."""
    return {name: shown(getattr(settings, name)) for name in HINTS} | {
        name: shown(getattr(settings.rule, name)) for name in RULES
    }


def from_texts(given):
    """`Settings` of name -> text; defaults elsewhere."""
    found = {name: parsed(text, FLAGS[name], name) for name, text in given.items()}
    rule = Rule(**{name: found.pop(name) for name in RULES if name in found})
    return Settings(**found, rule=rule)


def command(settings):
    """The flags that differ from their defaults, as they are typed."""
    usual = texts(Settings())
    out = []
    for name, text in texts(settings).items():
        if text != usual[name]:
            out += [f"{flag(name)} {part}" for part in (text.split() if name == "switch" else [text])]
    return " ".join(["python -m experiments.deep.train", *out])


def shown(value):
    """`value` as its flag takes it; of a float the digits that give the same number back."""
    if value is None or value == ():
        return "none"
    if isinstance(value, Switch):
        return f"{value.epoch}:" + ",".join("=".join(pair) for pair in value.changes)
    if isinstance(value, tuple):
        return (" " if isinstance(value[0], Switch) else ",").join(map(shown, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


KINDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a name",
    Switch: "EPOCH:name=value,name=value, the epoch from 2 on",
}


def parsed(text, kind, name):
    """The text of a flag as its type."""
    try:
        return read(text.strip(), kind)
    except ValueError:
        inner = next((each for each in get_args(kind) if each is not NoneType), kind)
        several = " or several, with commas" if get_origin(kind) is tuple and inner is not Switch else ""
        raise Refused(f"{flag(name)} takes {KINDS[inner]}{several}; got {text!r}") from None


def read(text, kind):
    inner = get_args(kind)
    if text == "none" and (NoneType in inner or get_origin(kind) is tuple):
        return None if NoneType in inner else ()
    if NoneType in inner:
        return read(text, inner[0])
    if kind == tuple[Switch, ...]:
        return tuple(map(read_switch, text.split()))
    if kind == tuple[int, ...]:
        return tuple(value for part in text.split(",") for value in read_range(part))
    if kind == tuple[str, ...]:
        return tuple(re.split(SEPARATOR, text))
    if get_origin(kind) is tuple:
        return tuple(read(part, inner[0]) for part in text.split(","))
    if kind is bool:
        if text not in ("true", "false"):
            raise ValueError
        return text == "true"
    return kind(text)


# between schedules: a comma, but not that of piecewise:0.1,0.5:0.1,0.75:0.01, which a mark follows
SEPARATOR = r",(?![\d.eE+-]+:)"


def read_range(text):
    """0-4 is 0, 1, 2, 3, 4."""
    first, dash, last = text.partition("-")
    if not dash:
        return [int(text)]
    if not int(first) <= int(last) < int(first) + 10**6:
        raise ValueError
    return range(int(first), int(last) + 1)


def read_switch(text):
    epoch, _, rest = text.partition(":")
    pairs = [part.partition("=") for part in rest.split(",")]
    if int(epoch) < 2 or not all(name and value for name, _, value in pairs):
        raise ValueError
    return Switch(int(epoch), tuple((name, value) for name, _, value in pairs))


# What a field of `Rule` means, for --help
MEANINGS = {
    "ascents": "ascent steps; 0: gradient descent in one pass",
    "p": "the norm of the ball, from 1 to inf",
    "adaptive": "T: elementwise, |w| + eta, or filterwise",
    "cover": "the tensors with that T: all, or some of weights, biases, norms",
    "perturbed": "the tensors that move in the ascent, norms over those alone: all, or some of the same",
    "group": "m, the examples that ascend together; it divides the batch",
    "other_batch": "the ascent sees the batch of the step before",
    "random": "a random direction in place of the gradient's",
    "projected": "ascents put back on the ball",
    "second_order": "with the derivative of the perturbation",
    "decay_inside": "weight decay in the loss of both passes, so in the perturbation too",
    "bn": "whose running statistics batch norm keeps: first, both or second pass",
    "micro": "examples of a micro-batch, whose gradients are added up; it divides the batch or group",
    "compute": "precision of activations and products: float32 or bfloat16",
}


def add_flags(parser):
    """A flag for every setting, in groups. What is not given stays None, so that --resume can tell."""
    groups: dict[str, Any] = {}
    usual = texts(Settings())
    meant: dict[str, Any] = {each.name: each.metadata for each in fields(Settings)}
    for name, kind in FLAGS.items():
        title = meant.get(name, {}).get("group", "rule")
        if title not in groups:
            groups[title] = parser.add_argument_group(title)
        more: dict[str, Any] = {"nargs": "?", "const": "true"} if kind is bool else {}
        more |= {"action": "append"} if name == "switch" else {}
        what = meant.get(name, {}).get("help") or MEANINGS.get(name, "")
        text = f"{what} (default {usual[name]})".replace("%", "%%")
        spellings = dict.fromkeys((flag(name), f"--{name}"))  # --data-seed or --data_seed
        groups[title].add_argument(*spellings, dest=name, metavar="VALUE", help=text, **more)
