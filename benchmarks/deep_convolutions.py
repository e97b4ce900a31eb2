"""Layers forth and back by the canonical rule and by plain convolutions, in calls and in a scan.

Four updates of kernel and input along their derivatives, as four calls of a compiled program and as a scan of
four. By the rule the scan is to take no more than three times the calls: a ratio of 0.33 or more. The plain
one in a scan, beside it, takes 7 to 50 times as long on a CPU. On an accelerator, where the plain one is
the default, the rows say whether that is right, layer by layer in single and half precision, and for the
gradient of PreActResNet-18 in half precision. That row also says how much is left of a step of length rho
when weights are rounded so: the cosine of the two, on fresh weights in a Gaussian direction.
"""

from functools import partial
from importlib.util import find_spec
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from benchmarks.harness import Bench, Equality, Job, Row, compiled
from experiments.deep.convolution import convolve
from theory.update import ahead, norm

PEERS = ()
TURNS, ROUNDS = 4, 5
CLOSE = {"float32": 1e-4, "bfloat16": 0.02}  # products in another order; relative to their size
KINKS = 0.2  # of a whole net in half precision, where some ReLUs turn
RHOS = (0.05, 0.1, 0.5, 2.0)
BATCH = {"cpu": 4, "gpu": 128}
WHOLE = "preactresnet18"


class Layer(NamedTuple):
    inputs: int
    outputs: int
    side: int
    stride: int

    def __str__(self):
        pace = f" stride {self.stride}" if self.stride > 1 else ""
        return f"{self.inputs} to {self.outputs}, {self.side} x {self.side}{pace}"


LAYERS = (Layer(16, 16, 32, 1), Layer(16, 32, 32, 2), Layer(64, 64, 32, 1), Layer(512, 512, 4, 1))


def drawn(layer, batch):
    """x, a kernel, and what the output is multiplied with."""
    rng = np.random.default_rng(0)
    out = layer.side // layer.stride
    shapes = [
        (batch, layer.side, layer.side, layer.inputs),
        (3, 3, layer.inputs, layer.outputs),
        (batch, out, out, layer.outputs),
    ]
    return [jnp.asarray(rng.standard_normal(shape), jnp.float32) for shape in shapes]


def moved(state, weights, stride, canonical, dtype):
    """x and kernel, moved along the derivatives of the weighted sum of the outputs."""

    def total(x, kernel):
        seen = convolve(x.astype(dtype), kernel.astype(dtype), stride, canonical)
        return jnp.sum(jnp.tanh(seen) * weights.astype(dtype))

    return ahead(state, 1e-3, jax.grad(total, (0, 1))(*state))


def called(run, state, weights):
    for _ in range(TURNS):
        state = run(state, weights)
    return state


def scanned(state, weights, **settings):
    def one(state, _):
        return moved(state, weights, **settings), None

    return jax.lax.scan(one, state, length=TURNS)[0]


def apart(a, b, start):
    """How far the ends are apart, relative to the way."""
    return float(norm(jax.tree.map(jnp.subtract, a, b)) / norm(jax.tree.map(jnp.subtract, b, start)))


def layer_jobs(layer, batch, dtype):
    """name -> job, what each of them ends with, and the seconds of compilation."""
    x, kernel, weights = drawn(layer, batch)
    state = x, kernel
    runs, seconds = {}, {}
    for name, canonical in (("rule", True), ("plain", False)):
        settings = {"stride": layer.stride, "canonical": canonical, "dtype": jnp.dtype(dtype)}
        one, _ = compiled(partial(moved, **settings), state, weights)
        runs[f"{name}, called"] = partial(called, one, state, weights)
        every, seconds[name] = compiled(partial(scanned, **settings), state, weights)
        runs[f"{name}, in a scan"] = partial(every, state, weights)
    ends = {name: apart(run(), runs["plain, called"](), state) for name, run in runs.items()}
    return {name: Job(run, TURNS) for name, run in runs.items()}, ends, seconds["rule"]


def rows_of(layer, dtype, ends, seconds):
    """The rule in a scan beside the rule called, and beside the plain one in a scan."""
    ours = "rule, in a scan"
    same = {name: Equality(off, CLOSE[dtype]) for name, off in ends.items()}
    title = f"{layer}, {dtype}"
    first = Row(f"{title}: scan, and calls", "move", ours, "rule, called", same, seconds)
    return [first, Row(f"{title}: rule, and plain, in a scan", "move", ours, "plain, in a scan", same)]


def named(row, layer, dtype):
    """The jobs of a row by names that are unique among all layers."""
    return row._replace(ours=f"{layer} {dtype} {row.ours}", theirs=f"{layer} {dtype} {row.theirs}")


def bench(peers):
    backend = jax.default_backend()
    jobs: dict[str, Job] = {}
    rows, lacking = [], {}
    batch = BATCH.get(backend, BATCH["gpu"])
    for dtype in ("float32",) if backend == "cpu" else ("float32", "bfloat16"):
        for layer in LAYERS:
            found, ends, seconds = layer_jobs(layer, batch, dtype)
            jobs |= {f"{layer} {dtype} {name}": job for name, job in found.items()}
            rows += [named(row, layer, dtype) for row in rows_of(layer, dtype, ends, seconds)]
    title = f"gradient of {WHOLE}, bfloat16, batch {batch}: plain, and rule"
    if backend == "cpu":
        lacking[title] = "needs an accelerator: a CPU has no fast half precision"
    elif find_spec("equinox") is None:
        lacking[title] = "needs equinox, an extra: make test installs it"
    else:
        found, row = whole(title, batch)
        jobs |= found
        rows.append(row)
    return Bench(jobs, rows, lacking, ROUNDS)


# A whole net, in half precision


def whole(title, batch, shape=(32, 32, 3)):
    """The jobs and the row of the net's gradient, inside a scan as in training."""
    from experiments.deep import nets
    from experiments.deep.rule import cross_entropy

    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.standard_normal((batch, *shape)), jnp.bfloat16)
    y = jnp.asarray(rng.integers(0, 10, batch))
    jobs, seconds = {}, {}
    ends = []
    for name, canonical in (("rule", True), ("plain", False)):
        net, _ = nets.build(WHOLE, jax.random.key(0), shape, 10, dtype=jnp.float32, canonical=canonical)

        def descended(net, x, y):
            def one(net, _):
                grad = jax.grad(lambda net: cross_entropy(net((), x, True)[0], y))(net)
                return ahead(net, -1e-3, grad), None

            return jax.lax.scan(one, net, length=TURNS)[0]

        run, seconds[name] = compiled(descended, net, x, y)
        jobs[f"{WHOLE} {name}"] = Job(partial(run, net, x, y), TURNS)
        ends.append(jax.tree.leaves(run(net, x, y)))
    same = {"they end apart by": Equality(apart(ends[0], ends[1], jax.tree.leaves(net)), KINKS)} | {
        f"cosine at rho {rho:g}": Equality(cosine, np.inf) for rho, cosine in left(net).items()
    }
    return jobs, Row(title, "gradient", f"{WHOLE} plain", f"{WHOLE} rule", same, seconds["plain"])


def left(net):
    """For each rho, the cosine of a step of that length and of what half precision leaves of it."""
    from experiments.deep import rule

    settings = rule.Rule(compute="bfloat16")

    def cosines(net, key):
        flat, unravel = ravel_pytree(net)
        step = jax.random.normal(key, flat.shape, flat.dtype)
        steps = jnp.asarray(RHOS, flat.dtype)[:, None] * (step / norm(step))[None]
        return jax.lax.map(lambda step: rule.cosine_after_cast(settings, net, unravel(flat + step)), steps)

    run, _ = compiled(cosines, net, jax.random.key(1))
    return dict(zip(RHOS, map(float, run(net, jax.random.key(1))), strict=True))
