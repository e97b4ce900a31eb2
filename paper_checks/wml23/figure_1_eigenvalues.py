"""The Hessian of F_1 x_3^2 + F_2 x_4^2 at x_3 = x_4 = 0 has the eigenvalues 0, 0, 2 F_1 and 2 F_2.

For any F_1(x_1, x_2), F_2(x_1, x_2) with two derivatives, by the characteristic polynomial. The caption has
F_1 and F_2 for this loss; they are the eigenvalues of half of it, the mean of the two losses that 1-SAM sees.
`measured` is 0 where the polynomials agree, else the difference of their values at numbers.
"""

from typing import NamedTuple

import sympy

X = sympy.symbols("x1:5", real=True)
S = sympy.Symbol("s")
F1, F2 = (sympy.Function(name)(X[0], X[1]) for name in ("F1", "F2"))


class Case(NamedTuple):
    share: sympy.Rational  # of F_1 x_3^2 + F_2 x_4^2 that the loss is
    factor: sympy.Rational  # claimed: the eigenvalues are factor F_k


def cases():
    whole = Case(sympy.Integer(1), sympy.Integer(2))
    return {"the loss": whole, "the mean of the two losses": Case(sympy.Rational(1, 2), sympy.Integer(1))}


def hypotheses(case):
    return {"a loss": bool(case.share > 0)}


def measured(case):
    loss = case.share * (F1 * X[2] ** 2 + F2 * X[3] ** 2)
    hessian = sympy.hessian(loss, X).subs({X[2]: 0, X[3]: 0}).doit()
    claimed = S**2 * (S - case.factor * F1) * (S - case.factor * F2)
    wrong = sympy.expand((S * sympy.eye(4) - hessian).det() - claimed)
    return 0.0 if wrong == 0 else abs(float(wrong.subs({F1: 3, F2: 2, S: 1})))


def bound(case):
    return 0.0


def tolerance(case):
    return 1e-12


def controls(case):
    return {
        "the factor of the other normalisation": case._replace(factor=3 - case.factor),
        "a little more": lambda factor: case._replace(factor=case.factor * sympy.nsimplify(factor)),
    }
