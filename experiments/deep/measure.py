"""How sharp a net is at its weights, on a fixed subset: one compiled program, for any loss(w, x, y, *rest).

    loss, ahead_loss    f(w), and f(w + e) with the e of the run's own rule
    gradient_norm       |g|, g = grad f(w), u = g / |g|
    bending             kappa = rho |P H u| / |g|, P = I - u u': how far H turns g on the way rho u
    eigs                lambda_1 >= ... of H, and errors of Lanczos, rounding not counted (theory/spectrum.py)
    cosine_top          |cos(g, v_1)|; angle_top, of g to the span of v_1 ... v_k, in [0, pi / 2]
    trace               tr H by Hutchinson's random signs, with its standard error
    nodes, weights      the rule of the spectral density: `theory.spectrum.smoothed` draws it
    worst               the largest f(w + v) - f(w) found over |v| <= rho, from several starts: a lower bound
    ascent              f(w + rho u) - f(w)
    average             E f(w + rho n) - f(w), n uniform on the sphere: pairs n, -n, with a standard error
    m_sharpness         the mean over disjoint groups of m examples of the ascent of each
    adaptive            the largest f(w + |w| s) - f(w) found over |s| <= adaptive_rho, as `worst`

The subset is (x, y) with n examples along the first axis, f the mean over them, in the order given; `rest`
goes to the loss as it is (statistics of batch norms, smoothing). Weights are taken in single precision at
least and every matrix product in the highest, whatever the run computes in. Products with H are derivatives
of the gradient along a vector, forward over reverse: through convolutions in the canonical layout they keep
it (the other order does not). Where a gradient is zero its angles are NaN, its ascent infinite.

Place: f21, sections 2 and 4.2, for f(w + e), m-sharpness and spectra; wml23 for the three directions; ASAM
for |w| s.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from experiments.deep import rule
from theory import Array, admit, sharpness, spectrum
from theory.ascent import elementwise
from theory.update import direction, in_turn, like, norm


@dataclass(frozen=True)
class Plan:
    """What a measurement spends; one compilation for each plan. Where 0 stands the measure is left out."""

    count: int = 5  # eigenvalues
    most: int = 60  # products for them; memory is that many copies of the weights
    accuracy: float = 1e-3  # of each, relative
    probes: int = 16  # of the trace, or 0
    density_probes: int = 4  # or 0
    density_steps: int = 32
    climbs: int = 5  # moves from each start of the worst direction, plain and adaptive, or 0
    starts: int = 1  # random ones, beside g, v_1 and -v_1
    pairs: int = 8  # n and -n of the average, or 0
    m: int | None = None  # examples in a group of the m-sharpness; None: all, and then it is the ascent
    chunk: int | None = None  # examples at a time, where the activations of all do not fit

    def __post_init__(self):
        for name in ("count", "most", "density_steps"):
            admit.whole(getattr(self, name), f"the plan's {name}", 1)
        for name in ("probes", "density_probes", "climbs", "starts", "pairs"):
            admit.whole(getattr(self, name), f"the plan's {name}", 0)
        if self.most < self.count:
            raise ValueError(f"{self.count} eigenvalues take at least as many products; got most={self.most}")
        if not self.accuracy > 0:
            raise ValueError(f"the plan's accuracy must be positive; got {self.accuracy!r}")

    def groups(self, size, n, name):
        """(groups, examples in each) of n."""
        size = n if size is None else admit.whole(size, f"the plan's {name}", 1, n)
        if n % size:
            raise ValueError(f"the plan's {name} must divide the {n} examples of the subset; got {size}")
        return n // size, size


class Measures(NamedTuple):
    """None where the plan leaves it out."""

    loss: Array
    ahead_loss: Array
    gradient_norm: Array
    bending: Array
    eigs: Array  # (count,), falling
    eig_errors: Array  # (count,)
    certified: Array  # whether each is within the plan's accuracy
    cosine_top: Array
    angle_top: Array
    ascent: Array
    m_sharpness: Array
    trace: Array | None = None
    trace_error: Array | None = None
    nodes: Array | None = None  # (probes, steps)
    weights: Array | None = None  # (probes, steps)
    worst: Array | None = None
    adaptive: Array | None = None
    average: Array | None = None
    average_error: Array | None = None


def measures(loss, w, subset, key, rho, *, adaptive_rho=0.5, cover=None, ahead=None, rest=(), plan=None):
    """`Measures` of loss(w, *subset, *rest) at w, a pytree of arrays.

    `ahead(w, *subset, *rest)` is f(w + e) by the run's rule, f(w + rho u) by default; it and `loss` have to
    be the same functions at every call, or each compiles anew (`of_rule` makes both). `cover`, a tree like w
    of booleans, says where |w| stands in the adaptive sharpness; 1 does elsewhere.
    """
    plan = Plan() if plan is None else plan
    lengths = {len(leaf) for leaf in jax.tree.leaves(subset)}
    if len(lengths) != 1 or lengths == {0}:
        raise ValueError(f"a subset is arrays of one length, not empty; got lengths {sorted(lengths)}")
    n = lengths.pop()
    for size, name in [(plan.m, "m"), (plan.chunk, "chunk")]:
        plan.groups(size, n, name)
    for radius, name in [(rho, "radius rho"), (adaptive_rho, "adaptive radius")]:
        if not admit.number(radius, f"the {name}") >= 0:
            raise ValueError(f"the {name} must not be negative; got {radius:g}")
    # a tree of booleans is part of the program
    where = None if cover is None else tuple(map(bool, jax.tree.leaves(cover)))
    return compiled(loss, ahead, w, subset, key, rho, adaptive_rho, where, rest, plan)


@partial(jax.jit, static_argnames=("loss", "ahead", "where", "plan"))
def compiled(loss, ahead, w, subset, key, rho, adaptive_rho, where, rest, plan):
    with jax.default_matmul_precision("highest"):
        return measured(loss, ahead, w, subset, key, rho, adaptive_rho, where, rest, plan)


def measured(loss, ahead, w, subset, key, rho, adaptive_rho, where, rest, plan):
    w = jax.tree.map(lambda x: jnp.asarray(x, jnp.promote_types(x.dtype, jnp.float32)), w)
    flat, unravel = ravel_pytree(w)
    keys = jax.random.split(key, 5)
    view = View(lambda v, *data: like(loss(unravel(v), *data, *rest), flat), subset, plan)
    rho, adaptive_rho = (jnp.asarray(radius, flat.dtype) for radius in (rho, adaptive_rho))

    value, grad = view.both(flat)
    product = view.products(flat)
    start = spectrum.random_direction(keys[0], flat)
    count = min(plan.count, len(flat))
    top = spectrum.top(product, start, keys[0], count, plan.most, plan.accuracy, None)
    ascent = sharpness.ascent(view.value, flat, rho)
    found = Measures(
        loss=value,
        ahead_loss=value + ascent if ahead is None else like(ahead(w, *subset, *rest), flat),
        gradient_norm=norm(grad),
        bending=bending(product, grad, rho),
        eigs=top.values,
        eig_errors=top.errors,
        certified=top.certified,
        cosine_top=jnp.cos(spectrum.angle(grad, spectrum.leading(top.vectors, 1))),
        angle_top=spectrum.angle(grad, top.vectors),
        ascent=ascent,
        m_sharpness=view.in_groups_of(plan.m, lambda f: sharpness.ascent(f, flat, rho)),
    )
    if plan.probes:
        trace, error = spectrum.trace(product, flat, keys[1], plan.probes)
        found = found._replace(trace=trace, trace_error=error)
    if plan.density_probes:
        seen = spectrum.density(product, flat, keys[2], plan.density_steps, plan.density_probes)
        found = found._replace(nodes=seen.nodes, weights=seen.weights)
    if plan.pairs:
        each = partial(paired, view.value, flat, rho, value)
        average, error = spectrum.mean_of(jax.lax.map(each, jax.random.split(keys[3], plan.pairs)))
        found = found._replace(average=average, average_error=error)
    if plan.climbs:
        tree = None if where is None else jax.tree.unflatten(jax.tree.structure(w), where)
        metric = ravel_pytree(elementwise(0.0, tree)(w))[0]
        first = top.vectors[0]
        others = [first, -first, *jax.random.normal(keys[4], (plan.starts, len(flat)), flat.dtype)]
        # both in one map, hence one program for the two
        metrics = jnp.stack([jnp.ones_like(flat), metric])
        starts = jnp.stack([jnp.stack([grad, *others]), jnp.stack([metric * grad, *others])])
        rise = partial(view.largest_rise, flat)
        worst, adaptive = jax.lax.map(
            lambda each: rise(*each), (metrics, starts, jnp.stack([rho, adaptive_rho]))
        )
        # the centre is in the ball
        worst, adaptive = (jnp.maximum(each - value, 0) for each in (worst, adaptive))
        found = found._replace(worst=worst, adaptive=adaptive)
    return found


class Run(NamedTuple):
    """What `measures` takes of a run; `rest` is (stats, values, key)."""

    loss: Callable
    ahead: Callable
    cover: Any


def of_rule(how, labels, over=in_turn):
    """The `Run` of a net under a `rule.Rule`: its loss and its own f(w + e), in single precision at least.

    The subset is one batch, with its own statistics where norms take them, and `how.group` of it ascend
    together; the ascent sees the same batch.
    """
    compute = "float32" if how.compute == "bfloat16" else how.compute
    exact = replace(how, compute=compute, micro=None)
    net_loss = rule.classification(exact)
    gradient = rule.gradient(net_loss, exact, labels, over)
    covered = None if how.adaptive is None else rule.kinds(how.cover, "cover")

    def loss(net, x, y, stats, values, key):
        return net_loss(net, stats, x, y, values)[0]

    def ahead(net, x, y, stats, values, key):
        return gradient(net, stats, values, key, (x, y), (x, y))[0].ahead_loss

    return Run(loss, ahead, None if covered is None else jax.tree.map(lambda kind: kind in covered, labels))


class View:
    """f and its derivatives on vectors, over the subset in chunks."""

    def __init__(self, loss, subset, plan):
        self.loss, self.subset, self.plan = loss, subset, plan
        self.value = self.averaged(loss)
        self.both = self.averaged(jax.value_and_grad(loss))

    def averaged(self, function):
        if self.plan.chunk is None:
            return lambda v: function(v, *self.subset)
        return lambda v: in_turn(function)(v, *self.cut(self.plan.chunk, "chunk"))

    def cut(self, size, name):
        """The subset as (groups, size, ...)."""
        shape = self.plan.groups(size, len(jax.tree.leaves(self.subset)[0]), name)
        return jax.tree.map(lambda x: x.reshape(*shape, *x.shape[1:]), self.subset)

    def products(self, v):
        """u -> H u at v. In chunks nothing is kept between two products: that is what chunks are for."""
        if self.plan.chunk is None:
            return spectrum.products(self.loss, v, *self.subset)
        return lambda u: jax.jvp(lambda v: self.both(v)[1], (v,), (u,))[1]

    def in_groups_of(self, size, notion):
        """The mean over groups of notion(f_k)."""
        one = in_turn(lambda _, *group: notion(lambda v: self.loss(v, *group)))
        return one(None, *self.cut(size, "m"))

    def largest_rise(self, at, metric, starts, radius):
        """The largest f(at + metric s) found over |s| <= radius."""

        def both(s):
            value, grad = self.both(at + metric * s)
            return value, metric * grad

        return sharpness.largest_by_slopes(both, starts, radius, self.plan.climbs)[0]


def bending(product, grad, rho):
    """kappa = rho |P H u| / |g|; NaN where g = 0."""
    unit = direction(grad, 1.0)
    curved = product(unit)
    return rho * norm(curved - (unit @ curved) * unit) / norm(grad)


def paired(value, w, rho, base, key):
    """The mean of f(w + rho n) - f(w) over n and -n: the odd part, the larger one, cancels."""
    n = rho * spectrum.random_direction(key, w)
    return (value(w + n) + value(w - n)) / 2 - base


def row(found):
    """The numbers of one measurement by the names of their columns; the density is `density_rows`."""
    out: dict[str, Any] = {}
    for name, each in found._asdict().items():
        if name in ("nodes", "weights") or each is None:
            continue
        if name in ("eigs", "eig_errors"):
            column = {"eigs": "lambda", "eig_errors": "lambda_error"}[name]
            out |= {f"{column}_{k}": float(x) for k, x in enumerate(each, 1)}
        else:
            out[name] = bool(each) if name == "certified" else float(each)
    return out


def density_rows(found):
    """(probe, node, weight) of the spectral density, columns of equal length."""
    probes, steps = found.nodes.shape
    return {
        "probe": [k for k in range(probes) for _ in range(steps)],
        "node": [float(x) for x in found.nodes.ravel()],
        "weight": [float(x) for x in found.weights.ravel()],
    }
