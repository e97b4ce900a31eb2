"""sum_j a^2 q(beta_j / a^2) = phi at k = 2 a^2, with q(z) = 2 - sqrt(4 + z^2) + z asinh(z / 2).

Symbolic: the two differ by zero, and both have slope asinh(beta / k). So a potential written with q and
weights of scale a stands for k = 2 a^2, and from u = sqrt(2) alpha, v = 0 it is |u^2 - v^2| / 2 = alpha^2.
`measured` is 0 where the simplified difference is the number 0, else its size at beta = a = 1; "code" is the
function of theory/problems/diagonal.py beside the expression.
"""

from typing import NamedTuple

import jax
import numpy as np
import sympy

from theory.problems import diagonal

potential = jax.jit(diagonal.potential)
A, BETA = sympy.Symbol("a", positive=True), sympy.Symbol("beta", real=True)


class Case(NamedTuple):
    reads: str  # "form", "slope" or "code"
    k: sympy.Expr  # in terms of a


def cases():
    return {reads: Case(reads, 2 * A**2) for reads in ("form", "slope", "code")}


def hypotheses(case):
    return {"positive": case.k.is_positive}


def woodworth():
    z = BETA / A**2
    return A**2 * (2 - sympy.sqrt(4 + z**2) + z * sympy.asinh(z / 2))


def entropy(k):
    return BETA * sympy.asinh(BETA / k) - sympy.sqrt(BETA**2 + k**2) + k


def measured(case):
    if case.reads == "code":
        at = {A: sympy.Rational(7, 10), BETA: sympy.Rational(-13, 10)}
        k = float(case.k.subs(at))
        return abs(float(woodworth().subs(at)) - float(potential(np.array([-1.3]), k)))
    if case.reads == "slope":
        difference = sympy.diff(woodworth(), BETA) - sympy.asinh(BETA / case.k)
    else:
        difference = woodworth() - entropy(case.k)
    difference = sympy.simplify(sympy.expand(sympy.radsimp(sympy.simplify(difference))))
    return 0.0 if difference == 0 else abs(float(difference.subs({A: 1, BETA: 1})))


def bound(case):
    return 0.0


def tolerance(case):
    return 1e-14


def controls(case):
    return {
        "k = a^2": case._replace(k=A**2),
        "k = 4 a^2": case._replace(k=4 * A**2),
        "k a little larger": lambda factor: case._replace(k=2 * A**2 * sympy.Rational(str(factor))),
    }
