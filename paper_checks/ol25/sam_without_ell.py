"""SAM, lam = 1, with v >= 0: both pairs of steps are right with L = L_max, no ell. Every step of the proof.

Theorem and proof: theory/bounds/arbitrary.py. Each step reads "this rational function is nonnegative", with
parameters chosen so that what is assumed becomes a sign, for instance L = mu + t, s_i = n A / (L_i (1 +
x)). It is proved where no coefficient above or below the line is negative; an identity is proved from both
sides. `measured` counts the coefficients of the wrong sign: bound 0, and the tolerance of 1/2 decides
between whole numbers. Sums over i are proved term by term, hence for every n.

"one step" puts all together. E f(w+) - f* is written with everything that the proof throws away,

    E f(w+) = f - gamma <grad f, E h> + L gamma^2 E|h|^2 / 2 - e1      descent lemma
    <grad f, E h> = |grad f|^2 - rho L |grad f| + e2                   bias of h at most rho L
    |grad f| = (|grad f|^2 + 1) / 2 - e3                               Young
    E|h|^2 = 2 E|g|^2 + 2 rho^2 E ell_v^2 - e4                         parallelogram, |h - g| <= rho ell_v
    E|g|^2 = 2 A (f - f*) + B |grad f|^2 + C - e5                      expected residual
    E ell_v^2 = B L^2 + A L - e6                                       moment of ell_v
    |grad f|^2 = 2 mu (f - f*) + e7                                    PL

and (1 - gamma mu)(f - f*) + gamma mu N - (E f(w+) - f*), affine in f - f*, C, e1 .. e7, has nonnegative
coefficients alone. "form A's N" is the claim, "the N of the proof" the smaller one that is left.

What a human still reads: that each e is nonnegative by the inequality beside it, that ell_v <= mean_i v_i
L_i and E v_i = 1 (where v >= 0 enters), the Loewner order applied to the vectors (L_i) and (1 / s_i), and
that the parameters reach every admitted case.
"""

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

from flint import fmpq

from paper_checks.algebra import parameters, rational, wrong_signs
from theory.bounds import arbitrary, ol25
from theory.bounds.ol25 import Constants


class Factors(NamedTuple):
    """What a control changes: 1 each in the proof."""

    right: Any = fmpq(1)  # the constant on the right is divided by it
    gamma: Any = fmpq(1)
    pl: Any = fmpq(1)  # mu in the claimed rate and N


class Case(NamedTuple):
    terms: Callable[[Factors], list[Any]]  # what must be nonnegative
    changed: Factors
    dials: tuple[str, ...]  # the factors that matter


def cases():
    lemmas = {
        "moment of ell_v, s_i L_i^2 / n^2 <= A L_i / n": diagonal,
        "moment of ell_v, B L_avg^2 + A L_avg <= B L^2 + A L": averaged,
        "bias, rho L_avg <= rho L": bias,
        "|a + b|^2 = 2 |a|^2 + 2 |b|^2 - |a - b|^2": parallelogram,
        "Young, (x^2 + 1) / 2 - x = (x - 1)^2 / 2": young,
        "A + B mu >= mu, 1 / s_i >= L_i / (n A)": harmonic,
        "A + B mu >= mu, from 1 - B <= A / L_avg": effort,
    }
    out = {name: Case(terms, Factors(), ("right",)) for name, terms in lemmas.items()}
    for pair in PAIRS:
        out[f"gamma mu <= 1, {pair} pair"] = Case(PAIRS[pair].rate, Factors(), ("gamma",))
        out[f"condition, {pair} pair"] = Case(PAIRS[pair].condition, Factors(), ("gamma",))
        out[f"the N of the proof <= form A's N, {pair} pair"] = Case(PAIRS[pair].order, Factors(), ("right",))
        for name, terms in [("form A's N", PAIRS[pair].claim), ("the N of the proof", PAIRS[pair].proof)]:
            out[f"one step with {name}, {pair} pair"] = Case(terms, Factors(), ("right", "gamma", "pl"))
    return out


# Lemmas


def diagonal(by):
    n, a, each, x = parameters("n A L_i x")
    s = n * a / (each * (1 + x))
    return [a / by.right * each / n - s * each**2 / n**2]


def averaged(by):
    a, b, mean, x = parameters("A B L_avg x")
    whole = mean * (1 + x)
    square = arbitrary.squared_smoothness
    return [square(a, b, whole) / by.right - square(a, b, mean)]


def bias(by):
    mean, rho, x = parameters("L_avg rho x")
    return [rho * mean * (1 + x) / by.right - rho * mean]


def parallelogram(by):
    aa, ab, bb = parameters("aa ab bb")
    rest = (2 * aa + 2 * bb) / by.right - (aa + 2 * ab + bb) - (aa - 2 * ab + bb)
    return [rest, -rest]


def young(by):
    (x,) = parameters("x")
    rest = (x**2 + 1) / (2 * by.right) - x - (x - 1) ** 2 / 2
    return [rest, -rest]


def harmonic(by):
    n, a, each, x = parameters("n A L_i x")
    s = n * a / (each * (1 + x))
    return [1 / s - each / (n * a / by.right)]


def effort(by):
    """B = 1 - b with 0 <= b < 1, A = b L_avg + y, L_avg = mu + t; for B >= 1 there is nothing to prove."""
    pl, b, t, y = parameters("mu b t y")
    return [(b * (pl + t) + y) / by.right + (1 - b) * pl - pl]


# Pairs


class Pair:
    """(gamma, rho) of a pair at lam = 1 with load = A + B mu, over all that it admits."""

    def __init__(self, steps):
        self.steps = steps

    def letters(self):
        pl, t, a, b, x, y = parameters("mu t A B x y")
        return pl, pl + t, a, b, *self.steps(pl, pl + t, a + b * pl, x, y)

    def condition(self, by):
        pl, whole, a, b, gamma, rho = self.letters()
        k = Constants(pl, whole, whole, a, b, 0)
        return [1 - ol25.condition_a(k, by.gamma * gamma, rho, ol25.paper_weights(1))]

    def rate(self, by):
        """With A + B mu = mu + z, z >= 0."""
        pl, t, z, x, y = parameters("mu t z x y")
        gamma, _ = self.steps(pl, pl + t, pl + z, x, y)
        return [1 - by.gamma * gamma * pl]

    def order(self, by):
        pl, whole, a, b, gamma, rho = self.letters()
        k = Constants(pl, whole, whole, a, b, 0)
        return [
            ol25.noise_a(k, gamma, rho, ol25.paper_weights(1)) / by.right - arbitrary.sam_noise(k, gamma, rho)
        ]

    def claim(self, by):
        return self.certificate(by, lambda k, gamma, rho: ol25.noise_a(k, gamma, rho, ol25.paper_weights(1)))

    def proof(self, by):
        return self.certificate(by, arbitrary.sam_noise)

    def certificate(self, by, noise):
        """The coefficients of 1, f - f*, C, e1 .. e7."""
        pl, whole, a, b, gamma, rho = self.letters()
        gamma = by.gamma * gamma

        def rest(delta=0, c=0, e1=0, e2=0, e3=0, e4=0, e5=0, e6=0, e7=0):
            k = Constants(pl, whole, whole, a, b, c)
            slope = 2 * pl * delta + e7  # |grad f|^2
            size = (slope + 1) / 2 - e3  # |grad f|
            inner = slope - rho * whole * size + e2
            second = 2 * a * delta + b * slope + c - e5
            moved = 2 * second + 2 * rho**2 * (arbitrary.squared_smoothness(a, b, whole) - e6) - e4
            after = delta - gamma * inner + whole * gamma**2 * moved / 2 - e1
            n = noise(k, gamma, rho) / by.right
            return (1 - gamma * by.pl * pl) * delta + gamma * by.pl * pl * n - after

        names = ("delta", "c", *(f"e{i}" for i in range(1, 8)))
        constant = rest()
        return [constant, *(rest(**{name: 1}) - constant for name in names)]


def old(pl, whole, load, x, y):
    """rho = 1 / (L (1 + x)), gamma = mu (1 - L rho) / (2 L load) / (1 + y)."""
    return pl * x / ((1 + x) * 2 * whole * load * (1 + y)), 1 / (whole * (1 + x))


def new(pl, whole, load, x, y):
    """rho = 1 / (4 L (1 + x)), gamma = mu / (8 L load) / (1 + y); 2 / L is no smaller as load >= mu."""
    return pl / (8 * whole * load * (1 + y)), 1 / (4 * whole * (1 + x))


PAIRS = {"old": Pair(old), "new": Pair(new)}


# The check


@cache
def proved(case):
    return case.terms(case.changed)


def hypotheses(case):
    found = proved(case)
    return {"the denominator is positive": all(c > 0 for each in found for c in each.denom.coeffs())}


def measured(case):
    return wrong_signs(proved(case))


def bound(case):
    return 0


def tolerance(case):
    return 0.5


def controls(case):
    names = {"right": "a smaller constant", "gamma": "gamma too large", "pl": "mu too large"}

    def dial(name):
        return lambda factor: case._replace(
            changed=case.changed._replace(**{name: rational(Fraction(factor))})
        )

    return {names[name]: dial(name) for name in case.dials}
