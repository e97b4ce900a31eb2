"""Maurer's form implies the base inequality, and has itself a proof in whole numbers.

    (K + log(2 sqrt n / delta)) / (2 n) <= (K + log(n / delta)) / (2 (n - 1))       K >= 0, 0 < delta <= 1.

With t = K + log(1 / delta) the ratio of the sides is (t + log(2 sqrt n)) (n - 1) / ((t + log n) n), monotone
in t: `measured`, rounded up, is the larger of its values at t = 0 and t = inf. "all n": it is at most 1 where
f(n) = (n + 1) log(n) / 2 - (n - 1) log 2 >= 0, and f'(n) >= log(n) / 2 + 1/2 - log 2, which increases, is
positive from there on: `measured` is the larger of -f and -f' there, rounded up. So it holds for n >= 2.

"moment": for every p (its powers cancel) E exp(n kl(B / n, p)) = sum_k C(n, k) (k / n)^k (1 - k / n)^(n - k),
a fraction. `measured` is its square over 4 n: at most 1 also below n = 8, the least that Maurer's proof
takes; n = 1 attains it.
"""

from typing import NamedTuple

from flint import arb, fmpq, fmpz

FIRST = 8


class Case(NamedTuple):
    reads: str  # "sides", "all" or "moment"
    n: int
    root: float  # 2 of 2 sqrt n, but for a control


def cases():
    out = {f"n={n}": Case("sides", n, 2.0) for n in (2, 3, FIRST, 100, 10**6)}
    out |= {f"all n from {n} on": Case("all", n, 2.0) for n in (2, FIRST)}
    return out | {f"moment, n={n}": Case("moment", n, 2.0) for n in (1, 2, 7, FIRST, 50, 400)}


def hypotheses(case):
    return {"n >= 1": case.n >= 1}


def up(value):
    """The upper end of a ball of arb, as a double above it."""
    return float(value.upper()) * (1 + 2.0**-50) if value.upper() > 0 else float(value.upper())


def moment(n):
    """n^n times the moment, as a whole number: sum_k C(n, k) k^k (n - k)^(n - k), 0^0 = 1."""
    whole = [fmpz(1), *(fmpz(k) ** k for k in range(1, n + 1))]
    total, ways = fmpz(0), fmpz(1)
    for k in range(n + 1):
        total += ways * whole[k] * whole[n - k]
        ways = ways * (n - k) // (k + 1)
    return total


def measured(case):
    n = arb(case.n)
    if case.reads == "moment":
        found = fmpq(moment(case.n), fmpz(case.n) ** case.n) ** 2
        return up(arb(found) / (arb(case.root) ** 2 * n))
    log_root = arb(case.root).log()
    if case.reads == "all":
        value = (n + 1) * n.log() / 2 - (n - 1) * log_root
        growth = n.log() / 2 + arb(1) / 2 - log_root
        return max(up(-value), up(-growth))
    at_zero = (log_root + n.log() / 2) * (n - 1) / (n.log() * n)
    return max(up(at_zero), up((n - 1) / n))


def bound(case):
    return 0.0 if case.reads == "all" else 1.0


def tolerance(case):
    return 1e-14  # n = 1 attains the moment, and is rounded up


def controls(case):
    if case.reads == "moment":
        return {"a smaller factor": lambda factor: case._replace(root=2 / factor)}
    return {"a larger factor": lambda factor: case._replace(root=2 * factor)}
