"""A SAM step costs two gradients and no Hessian, whatever the norm, the mixing or the groups.

The step of theory/update.py is traced, not run, and its operations on numbers are counted.

    products      inside matrix products, over those of one gradient: two
    per example   all others, for each example more: those of two gradients; what SAM adds (norm, move, step)
                  is an amount of work per weight alone

`measured` is the distance; the bound is 0. Controls: gradient descent, three ascents, and the second-order
term kept, whose Hessian-vector product is a pass of its own; a dial.
"""

from functools import cache
from math import prod
from typing import NamedTuple

import jax
import jax.numpy as jnp

from theory import ascent, update

D, UNITS, EXAMPLES = 6, 5, 64
GAMMA, RHO = 0.1, 0.05


class Case(NamedTuple):
    counted: str
    rule: str
    claimed: float  # gradients


def loss(w, x, y):
    return jnp.mean((jnp.tanh(x @ w["inner"]) @ w["outer"] - y) ** 2)


def weights():
    return {"inner": jnp.zeros((D, UNITS)), "outer": jnp.zeros(UNITS)}


def rules(value_and_grad):
    """Name -> a function (w, x, y) with the value and the gradient to descend along."""

    def rule(along):
        return lambda w, *batch: update.look_ahead_along(value_and_grad, RHO, along)(w, batch, *batch)

    def grouped(w, x, y):
        groups = x.reshape(4, -1, D), y.reshape(4, -1)
        return update.in_groups(update.look_ahead(value_and_grad, RHO, 1.0))(w, *groups)

    plain = ascent.along(1, 2, None)
    return {
        "SAM": update.look_ahead(value_and_grad, RHO, 1.0),
        "USAM": update.look_ahead(value_and_grad, RHO, 0.0),
        "m-SAM, 4 groups": grouped,
        "p = 3": rule(ascent.along(1, 3, None)),
        "ASAM": rule(ascent.along(1, 2, ascent.elementwise(0.01))),
        "gradient descent": value_and_grad,
        "three ascents": ascent.repeated(value_and_grad, RHO, plain, 3),
        "second-order term kept": ascent.with_second_order(value_and_grad, RHO, plain),
    }


OTHERS = ("gradient descent", "three ascents", "second-order term kept")


def cases():
    names = [name for name in rules(jax.value_and_grad(loss)) if name not in OTHERS]
    return {
        f"{counted}, {name}": Case(counted, name, 2.0)
        for name in names
        for counted in ("products", "per example")
    }


def hypotheses(case):
    products, rest = spent("gradient descent", EXAMPLES)
    return {"the loss multiplies matrices": products > 0, "and works on each example": rest > EXAMPLES}


@cache
def spent(name, examples):
    """Operations in matrix products, and all others, of a step of the rule."""

    def step(w, x, y):
        rule = rules(jax.value_and_grad(loss))[name]
        return update.descended(w, GAMMA, rule(w, x, y)[1])

    traced = jax.make_jaxpr(step)(weights(), jnp.zeros((examples, D)), jnp.zeros(examples))
    return operations(traced.jaxpr)


def operations(jaxpr):
    """(in matrix products, all others) of a trace, those inside loops as often as they run."""
    products, rest = 0, 0
    for equation in jaxpr.eqns:
        inner = [
            each
            for each in jax.tree.leaves(list(equation.params.values()), is_leaf=is_trace)
            if is_trace(each)
        ]
        if inner:
            found = [operations(getattr(each, "jaxpr", each)) for each in inner]
            times = equation.params.get("length", 1)
            products, rest = (
                products + times * sum(p for p, _ in found),
                rest + times * sum(r for _, r in found),
            )
        elif equation.primitive.name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            left = equation.invars[0].aval.shape
            products += 2 * prod(equation.outvars[0].aval.shape) * prod(left[axis] for axis in contracted)
        elif equation.primitive.name not in MOVES:
            sizes = [v.aval.size for v in (*equation.invars, *equation.outvars) if hasattr(v.aval, "size")]
            rest += max(sizes)
    return products, rest


MOVES = {
    "reshape",
    "transpose",
    "broadcast_in_dim",
    "convert_element_type",
    "squeeze",
    "copy",
    "stop_gradient",
}


def is_trace(each):
    return hasattr(each, "eqns") or hasattr(each, "jaxpr")


def measured(case):
    if case.counted == "products":
        return abs(spent(case.rule, EXAMPLES)[0] / spent("gradient descent", EXAMPLES)[0] - case.claimed)
    each, one = (per_example(name) for name in (case.rule, "gradient descent"))
    return abs(each / one - case.claimed)


def per_example(name):
    return (spent(name, 2 * EXAMPLES)[1] - spent(name, EXAMPLES)[1]) / EXAMPLES


def bound(case):
    return 0.0


def tolerance(case):
    return 1e-12


def controls(case):
    return {name: case._replace(rule=name) for name in OTHERS} | {
        "a little more": lambda factor: case._replace(claimed=case.claimed / factor)
    }
