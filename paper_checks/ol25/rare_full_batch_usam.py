"""lam = 0 with L_max in place of ell: false in one step, in fractions, from a smallest c on.

n = c + 1 copies of x^2 / 2; with probability 1 / c^2 all are drawn, else one at random, v_i = c where i is
drawn: E v = 1, E[v v'] = 11' + (c - 1) I, so A = (c - 1) / (c + 1), B = 1, C = 0, L_max = mu = 1, but ell =
c. One step of USAM multiplies x by 1 - gamma s (1 + rho s) with s = c or c / (c + 1), and the claim is that
E f(x_1) / f(x_0) <= 1 - gamma mu. All of it is rational. A counter-example stands where the claimed factor
(`measured`) is below the true one (`bound`, lowered by twice the tolerance, so that the tolerance decides
nothing); the smallest c is found by trying each, and just below it the claim holds: that is a control, and
so is ell = c in place of L_max. "every c": the true less the claimed factor at c = c_0 + z is a rational
function of z without a negative coefficient, hence the claim is false for all real c >= c_0; `measured`
counts the coefficients of the wrong sign, from c_0 - 1 on there are some.
"""

from fractions import Fraction
from typing import Any, NamedTuple

from paper_checks.algebra import parameters, wrong_signs

RELATIVE = 1e-12
LARGE = 1000


class Case(NamedTuple):
    form: str
    c: int
    constant: Fraction  # what is put for L: 1 is L_max, c would be ell
    every: bool  # whether all larger c are meant


def cases():
    out = {}
    for form in ("new", "old"):
        first = next(c for c in range(2, LARGE) if violated(Case(form, c, Fraction(1), False)))
        case = Case(form, first, Fraction(1), False)
        out[f"{form} pair, c = {first}"] = case
        out[f"{form} pair, c = {LARGE}"] = case._replace(c=LARGE)
        out[f"{form} pair, every c >= {first}"] = case._replace(every=True)
    return out


def factors(form, c, whole, rational):
    """(true, claimed) factor of f in one step; `c` is a whole number or a rational function.

    mu / (2 (A + B mu)) = (c + 1) / (4 c) is at most 1 and mu / (8 (A + B mu)) at most 2, so the minima of
    the new pair need no distinction.
    """
    one = rational(1)
    load = 2 * c / (c + one)  # A + B mu
    if form == "new":
        gamma, rho = 1 / (8 * load * whole), 1 / (8 * load * whole)
    else:
        rho = 1 / (2 * whole * (1 + 2 * load))
        gamma = (1 - whole * rho * (1 + 2 * load)) / (2 * whole * load * (2 * whole**2 * rho**2 + 1))
    steep, flat = (1 - gamma * s * (1 + rho * s) for s in (c, c / (c + one)))
    return steep**2 / c**2 + (1 - one / c**2) * flat**2, 1 - gamma


def exact(case):
    return factors(case.form, Fraction(case.c), case.constant, Fraction)


def violated(case):
    true, claimed = exact(case)
    return true > claimed


def excess(case):
    """The true less the claimed factor at c + z."""
    (z,) = parameters("z")
    true, claimed = factors(case.form, case.c + z, 1, z.of)
    return true - claimed


def hypotheses(case):
    c = Fraction(case.c)
    both = 1 / c**2
    own = both + (1 - both) / (c + 1)  # the probability that i is drawn
    met: dict[str, Any] = {
        "E v = 1": c * own == 1,
        "E[v v'] = 11' + (c - 1) I": c**2 * both == 1 and c**2 * own == c,
        "gamma mu <= 1": exact(case)[1] >= 0,
    }
    if case.every:
        met["the denominator is positive"] = all(each > 0 for each in excess(case).denom.coeffs())
    return met


def measured(case):
    return wrong_signs([excess(case)]) if case.every else float(exact(case)[1])


def bound(case):
    return 0 if case.every else float(exact(case)[0]) * (1 - 2 * RELATIVE)


def tolerance(case):
    return 0.5 if case.every else RELATIVE * float(exact(case)[0])


def controls(case):
    out = {} if case.c == LARGE else {"c smaller by 1": case._replace(c=case.c - 1)}
    if not case.every:
        out["ell in place of L_max"] = case._replace(constant=Fraction(case.c))
        out["L larger"] = lambda factor: case._replace(constant=Fraction(factor))
    return out
