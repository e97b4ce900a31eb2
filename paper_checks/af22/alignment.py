"""(1 - rho L) |g|^2 <= <grad L(w + rho g), g> <= (1 + rho L) |g|^2; convex: at least (1 + rho mu) |g|^2.

g = grad L(w). Solved at every state for what it speaks of, the bend <grad L(w + rho g) - g, g> / (rho |g|^2):
its largest size is the L that is needed, against L; "alignment_convex: ..." has the claimed mu against the
least bend. Parabolas x^2 / 2 and -x^2 / 2 attain both sides of the first, the flattest direction of a
quadratic the second."""

from functools import cache
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from paper_checks.af22.deterministic_pl import bowl, scale_free_functions
from paper_checks.af22.one_step import logistic_loss, rest, shaped, small_net
from theory.certificate import EPS, ROUNDINGS
from theory.problems.polyak import sine
from theory.update import look_ahead

REACHES = (0.9, 0.3)  # rho L


class Case(NamedTuple):
    reads: str  # the row
    bends: np.ndarray  # <grad L(w + rho g) - g, g> / (rho |g|^2) at every state
    smoothness: float
    pl: float
    concave: "np.ndarray | None"  # the bends of a function that is not convex
    cut: float  # what the claimed constant is sharpened by: 1, but for a control


@jax.jit
def bends(f, states, rho):
    rule = jax.value_and_grad(f.loss)

    def at(w):
        g = rule(w)[1]
        h = look_ahead(rule, rho, 0)(w)[1]
        return jnp.sum((h - g) * g) / (rho * jnp.sum(g**2))

    return jax.vmap(at)(states)


@jax.jit
def bends_of_each(fs, states, rhos):
    return jax.vmap(lambda f, rho: bends(f, states, rho))(fs, rhos)


def cases():
    return built()


@cache
def built():
    out = {}
    family, smoothness, _ = scale_free_functions()
    period = np.exp(np.linspace(0, 2 * np.pi, 100))[:, None]  # of the slowest
    quadratic, net, loss = bowl(30.0, 3), small_net(), logistic_loss()
    line, space = np.linspace(-12, 12, 600)[:, None] + 0.01, shaped(200, 3, 1e-2, 10.0)[1:]
    around = np.concatenate([space, np.eye(3)[:1]])  # with the flattest direction
    parabola = bowl(1.0, 3)  # in the shape of the quadratic
    for reach in REACHES:
        for name, f, whole, states in [
            ("sine", sine(1), 8.0, line),
            ("tanh net", net, float(net.smoothness), rest() + space),
            ("parabola", parabola, 1.0, around),
            ("parabola upside down", parabola._replace(h=-np.asarray(parabola.h)), 1.0, around),
        ]:
            found = np.asarray(bends(f, states, reach / whole))
            out[f"{name}, rho L={reach:g}"] = Case("alignment", found, whole, 0.0, None, 1.0)
        found = np.asarray(bends_of_each(family, period, reach / smoothness))
        out[f"scale-free, rho L={reach:g}"] = Case(
            "alignment", found / smoothness[:, None], 1.0, 0.0, None, 1.0
        )
        concave = out[f"sine, rho L={reach:g}"].bends
        for name, f, states in [
            ("quadratic", quadratic, around),
            ("logistic", loss, loss.minimiser + shaped(200, 2, 1e-2, 100.0)[1:]),
        ]:
            whole, pl = float(f.smoothness), float(f.pl)
            found = np.asarray(bends(f, states, reach / whole))
            out[f"alignment_convex: {name}, rho L={reach:g}"] = Case(
                "alignment_convex", found, whole, pl, concave, 1.0
            )
    return out


def hypotheses(case):
    return {"states with a gradient": np.all(np.isfinite(case.bends))}


def measured(case):
    return case.cut * case.pl if case.reads == "alignment_convex" else np.max(np.abs(case.bends)) * case.cut


def bound(case):
    return np.min(case.bends) if case.reads == "alignment_convex" else case.smoothness


def tolerance(case):
    """A difference of two gradients over rho |g|, at rho L >= 0.3."""
    return ROUNDINGS * EPS * case.smoothness / min(REACHES)


def controls(case):
    if case.reads == "alignment_convex":
        return {
            "mu too large": lambda factor: case._replace(cut=factor),
            "not convex": case._replace(bends=case.concave),
        }
    return {"L too small": lambda factor: case._replace(cut=factor)}
