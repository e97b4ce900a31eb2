"""Both closed-form pairs of steps imply form A's condition, for all mu, L, A, B and lam: proved symbolically.

The parameters are written so that every assumption becomes a sign. With load = A + B mu > 0, alpha = 2 (1 -
lam)^2 and w, q, x, y >= 0,

    old pair   L rho = mu / ((mu + load alpha) (1 + x)),   gamma = the value at equality / (1 + y)
    new pair   L rho = min(1, mu / (load alpha)) / (4 (1 + x)),   L gamma = min(2, mu / (8 load)) / (1 + y)

and each minimum is either of its arguments: load alpha = mu / (1 + q) or mu (1 + q), 16 load = mu / (1 + w)
or mu (1 + w); rho = 0, gamma = 0 and lam = 1 are limits. Then 1 - condition_a, with the function of
theory/bounds/ol25.py that all other checks call, is a rational function of nonnegative parameters, and it
has no negative coefficient above or below the line: it is >= 0. `measured` counts the coefficients of the
wrong sign, for "equality" (the old pair at y = 0) those that are not zero; the bound is 0, and the
tolerance of 1/2 decides between whole numbers. What a human still reads: that these parameters reach every
admitted step.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

from paper_checks.algebra import parameters, rational, wrong_signs
from theory.bounds import ol25
from theory.bounds.ol25 import Constants, Weights


class Case(NamedTuple):
    terms: Callable[[Any, Any], list[Any]]  # what must be nonnegative, from the factors below
    gamma: Fraction  # what gamma is multiplied by: 1, but for a control
    rho: Fraction


def cases():
    out = {"old pair": old, "equality in gamma": equality}
    out |= {"new_steps: " + name: regime for name, regime in NEW.items()}
    return {name: Case(terms, Fraction(1), Fraction(1)) for name, terms in out.items()}


def spare(pl, whole, load, alpha, gamma, rho):
    """1 less form A's condition with one constant for L and ell; A and B enter it through load = A + B mu."""
    k = Constants(pl, whole, whole, load, 0, 0)
    return 1 - ol25.condition_a(k, gamma, rho, Weights(alpha, 0))


def old(by_gamma, by_rho, at_equality=False):
    pl, whole, load, alpha, x, y = parameters("mu L load alpha x y")
    if at_equality:
        y = 0 * y
    spread = pl + load * alpha
    rho = pl / (whole * spread * (1 + x))
    gamma = (pl - whole * rho * spread) / (2 * whole * load * (whole**2 * rho**2 * alpha + 1) * (1 + y))
    return [spare(pl, whole, load, alpha, by_gamma * gamma, by_rho * rho)]


def equality(by_gamma, by_rho):
    (found,) = old(by_gamma, by_rho, at_equality=True)
    return [found, -found]


def new(short, small, by_gamma, by_rho):
    """The minimum in rho is 1 where `short`, that in gamma is 2 where `small`."""
    pl, whole, w, q, x, y = parameters("mu L w q x y")
    load = pl / (16 * (1 + w)) if small else pl * (1 + w) / 16
    alpha = pl / (load * (1 + q)) if short else pl * (1 + q) / load
    rho = (1 if short else pl / (load * alpha)) / (4 * whole * (1 + x))
    gamma = (2 if small else pl / (8 * load)) / (whole * (1 + y))
    return [spare(pl, whole, load, alpha, by_gamma * gamma, by_rho * rho)]


NEW = {
    f"rho {'at most 1 / (4 L)' if short else 'by PL'}, gamma {'at most 2 / L' if small else 'by PL'}": (
        lambda by_gamma, by_rho, short=short, small=small: new(short, small, by_gamma, by_rho)
    )
    for short in (True, False)
    for small in (True, False)
}


def hypotheses(case):
    found = case.terms(rational(case.gamma), rational(case.rho))
    return {
        "the denominator is positive": all(c > 0 for each in found for c in each.denom.coeffs()),
    }


def measured(case):
    return wrong_signs(case.terms(rational(case.gamma), rational(case.rho)))


def bound(case):
    return 0


def tolerance(case):
    return 0.5


def controls(case):
    return {
        "gamma too large": lambda factor: case._replace(gamma=Fraction(factor)),
        "rho too large": lambda factor: case._replace(rho=Fraction(factor)),
    }
