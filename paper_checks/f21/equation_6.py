"""Equation 6 is KL(Q | P), Q = N(w, sigma^2 I) and P = N(0, s^2 I), although written KL(P | Q).

Symbolic: KL is a sum over coordinates of E_Q [log q - log p], of which only the first two moments of Q are
needed, read from its moment generating function; |w|^2 is the sum of the squared means. `measured` is 0 where
the difference is the number 0, else its size at k = 5, |w|^2 = 2, sigma = 3/10, s = 4/5. "code": the function
of theory/bounds/f21.py there.
"""

from typing import NamedTuple

import sympy

from theory.bounds import f21

K, SQUARE, SIGMA, PRIOR = sympy.symbols("k W sigma s", positive=True)  # W = |w|^2
AT = {K: 5, SQUARE: 2, SIGMA: sympy.Rational(3, 10), PRIOR: sympy.Rational(4, 5)}


class Case(NamedTuple):
    reads: str  # "form" or "code"
    exchanged: bool  # KL(P | Q), as written
    trace: sympy.Expr  # what is subtracted: k, but for a control


def cases():
    return {reads: Case(reads, False, K) for reads in ("form", "code")}


def hypotheses(case):
    return {"widths are positive": bool(SIGMA.is_positive and PRIOR.is_positive)}


def moments(mean, width):
    """E x and E x^2 of N(mean, width^2)."""
    t = sympy.Symbol("t")
    generating = sympy.exp(mean * t + width**2 * t**2 / 2)
    return [sympy.diff(generating, t, order).subs(t, 0) for order in (1, 2)]


def kl(mean, width, other_mean, other_width):
    """Of N(mean, width^2) from N(other_mean, other_width^2): E [log density - log other density]."""
    first, second = moments(mean, width)

    def log_density(m, w):
        return -sympy.log(w) - (second - 2 * m * first + m**2) / (2 * w**2)

    return log_density(mean, width) - log_density(other_mean, other_width)


def whole(exchanged):
    """In k coordinates, with the sum of the squared means."""
    m = sympy.Symbol("m")
    one = kl(0, PRIOR, m, SIGMA) if exchanged else kl(m, SIGMA, 0, PRIOR)
    one = sympy.expand(one)
    return K * one.coeff(m, 0) + SQUARE * one.coeff(m, 2)


def printed(trace):
    variance = K * SIGMA**2 + SQUARE
    return (variance / PRIOR**2 - trace + K * sympy.log(PRIOR**2 / SIGMA**2)) / 2


def measured(case):
    exact = whole(case.exchanged)
    if case.reads == "code":
        at = [float(x.subs(AT)) for x in (K, sympy.sqrt(SQUARE), SIGMA, PRIOR)]
        return abs(f21.divergence(*at) + float((K - case.trace).subs(AT)) / 2 - float(exact.subs(AT)))
    difference = sympy.simplify(sympy.expand_log(sympy.expand(printed(case.trace) - exact)))
    return 0.0 if difference == 0 else abs(float(difference.subs(AT)))


def bound(case):
    return 0.0


def tolerance(case):
    return 1e-13


def controls(case):
    return {
        "as written": case._replace(exchanged=True),
        "k a little larger": lambda factor: case._replace(trace=K * sympy.Rational(str(factor))),
    }
