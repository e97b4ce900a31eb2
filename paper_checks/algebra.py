"""Rational functions of named parameters with rational coefficients, and claims about them.

A claim is that some vanish, an identity in all the parameters, or that none is negative wherever the
parameters are not: no coefficient above or below the line is negative. A check counts the coefficients that
are wrong; the bound is 0, and a tolerance of 1/2 decides between whole numbers. Such a check takes
`hypotheses`, `measured`, `bound`, `tolerance` and `controls` from here.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

from flint import Ordering, fmpq, fmpq_mpoly_ctx


class Ratio:
    """A rational function with rational coefficients, in lowest terms, monic below the line."""

    def __init__(self, numer, denom):
        common = numer.gcd(denom)
        common = common * (denom / common).leading_coefficient()
        self.numer, self.denom = numer / common, denom / common

    def of(self, other):
        return other if isinstance(other, Ratio) else Ratio(0 * self.denom + other, 0 * self.denom + 1)

    def __add__(self, other):
        other = self.of(other)
        return Ratio(self.numer * other.denom + other.numer * self.denom, self.denom * other.denom)

    def __mul__(self, other):
        other = self.of(other)
        return Ratio(self.numer * other.numer, self.denom * other.denom)

    def __truediv__(self, other):
        other = self.of(other)
        return Ratio(self.numer * other.denom, self.denom * other.numer)

    def __pow__(self, power):
        return Ratio(self.numer**power, self.denom**power)

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + self.of(other) * -1

    def __rsub__(self, other):
        return self.of(other) - self

    def __rtruediv__(self, other):
        return self.of(other) / self

    __radd__, __rmul__ = __add__, __mul__


def parameters(names):
    """Each name as a rational function."""
    gens = fmpq_mpoly_ctx.get(names.split(), Ordering.lex).gens()
    return [Ratio(each, 0 * each + 1) for each in gens]


def rational(number):
    """A factor as a short fraction, near enough to tell it from 1."""
    near = Fraction(number).limit_denominator(1000)
    return fmpq(near.numerator, near.denominator)


def wrong_signs(terms):
    """How many coefficients, above and below the line, are negative."""
    return sum(c < 0 for each in terms for part in (each.numer, each.denom) for c in part.coeffs())


class Claim(NamedTuple):
    terms: Callable[[Any], list]  # of a factor that is 1, but for a control
    signs: bool  # they must not be negative; else they must vanish
    dial: str  # what the factor is
    others: tuple = ()  # (name, terms) of further falsified claims
    factor: Any = 1


def vanish(dial, terms, **others):
    return Claim(terms, False, dial, tuple(others.items()))


def signs(dial, terms, **others):
    return Claim(terms, True, dial, tuple(others.items()))


def of(claim):
    """Its terms as rational functions; what cancelled to a number is one too."""
    (one,) = parameters("unit")[:1]
    return [each if isinstance(each, Ratio) else one.of(each) for each in claim.terms(rational(claim.factor))]


def hypotheses(claim):
    return {"there is something to count": len(claim.terms(rational(claim.factor))) > 0}


def measured(claim):
    """Coefficients of a wrong sign, or those that have not cancelled."""
    terms = of(claim)
    return wrong_signs(terms) if claim.signs else sum(len(each.numer) for each in terms)


def bound(claim):
    return 0.0


def tolerance(claim):
    return 0.5


def controls(claim):
    fixed = {name.replace("_", " "): claim._replace(terms=terms) for name, terms in claim.others}
    return ({claim.dial: lambda factor: claim._replace(factor=factor)} if claim.dial else {}) | fixed


def tampered(certificate, factor, *pairs):
    """The certificate with the multipliers of `pairs`, by default of all, times `factor`."""
    weights = {
        pair: weight * factor if pair in pairs or not pairs else weight
        for pair, weight in certificate.multipliers.items()
    }
    return certificate._replace(multipliers=weights)


def weights(certificate):
    """The multipliers of the inequalities and the weights of the squares."""
    return [*certificate.multipliers.values(), *(weight for weight, _ in certificate.squares)]
