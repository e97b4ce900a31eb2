"""With L_max for ell the bound of Theorem 3.2 is false for some samplings: two laws, interval arithmetic.

"all": f_i = x^2 / 2 for every i, all drawn together with probability eps and weight 1 / eps, else none (A =
0, B = 1 / eps). "one": f_1 = x^2 / 2, f_2 = 0, f_1 drawn with probability eps (A = 1 / (2 eps), B = 0). C =
0, L_max = 1, but ell = 1 / eps or 1 / (2 eps). With lam as in (1 - lam)^2 = mu / (2 (A + B mu)) and x_0 = 1
the exact E f(x_t) is the binomial mixture of theory/rare.py, all t + 1 terms; every number here is a ball
that holds it (128 bits), so the verdicts are proofs. The sum term by term: tests/extras/test_rare_draws.py.

A counter-example stands where the upper end of the claimed bound (`measured`) is below the lower end of E f
(`bound`, lowered by twice the tolerance, so that the tolerance decides nothing). This file's own row takes
the limit t -> infinity, at the largest eps = 1 / m of which E f ends above N, found by bisection; that it
ends below N at 1 / (m - 1) is a hypothesis. "rare_full_batch: ..." and "rare_single_function: ..." take t =
1 / eps. "sampled_smoothness: ..." is the repaired claim, ell in place of L_max, where E f (`measured`) is
below it; and ell of the common laws in fractions, at most L_max, for importance sampling L_avg.
"""

from fractions import Fraction
from functools import cache, partial
from itertools import combinations
from typing import Any, NamedTuple

from flint import arb, ctx

from theory import rare
from theory.bounds import ol25
from theory.bounds.ol25 import Constants

BITS = 128
RELATIVE = 1e-12  # the tolerance, over the bound
EACH = (1, 2, 4, 5)  # L_i of the laws in fractions
LONG = 10**6  # of 1 / eps: several 1 / (gamma mu) of the pairs with ell
LISTED = 200  # mean number of moves up to which their numbers are summed one by one
LARGEST = 1e300  # what is larger is given as this
WITHIN = (2, 2**20)  # where onsets are looked for, as 1 / eps
FORMS = ("new", "old")


class Case(NamedTuple):
    reads: str  # "exceeds", "limit exceeds", "holds"
    world: str  # "all" or "one"
    form: str  # "old", "new": the pair with one constant for L and ell; "A": the condition with L and ell
    inverse: Fraction  # 1 / eps
    factor: Fraction  # that constant over L_max = 1, for "A" ell over 1
    times: int  # t = times / eps
    moves: bool  # False for the control that does not


class Law(NamedTuple):
    """All draws v of a law, and what the largest Lip(grad f_v) is claimed to be at most."""

    support: tuple[tuple[Fraction, ...], ...]
    most: Fraction
    exceeds: bool  # True where it is claimed to be above instead


def cases():
    out: dict[str, Any] = {}
    for world, row, inverse in [("all", "rare_full_batch", 10**5), ("one", "rare_single_function", 10**6)]:
        for form in FORMS:
            case = Case("exceeds", world, form, Fraction(inverse), Fraction(1), 1, True)
            out[f"{row}: {form} pair, eps = 1e-{len(str(inverse)) - 1}"] = case
            m = onset(case)
            out[f"{row}: {form} pair, first at eps = 1 / {m}"] = case._replace(inverse=Fraction(m))
            m = onset(case._replace(reads="limit exceeds"))
            name = f"{row.removeprefix('rare_').replace('_', ' ')}, {form} pair, first at eps = 1 / {m}"
            out[name] = case._replace(reads="limit exceeds", inverse=Fraction(m))
        for form, times in [("new", LONG), ("old", LONG), ("A", 100), ("new", 1), ("old", 1), ("A", 1)]:
            name = "condition with L and ell" if form == "A" else f"{form} pair with ell"
            label = f"{row.removeprefix('rare_').replace('_', ' ')}, t = {times} / eps"
            case = Case("holds", world, form, Fraction(inverse), ell(world, inverse), times, True)
            out[f"sampled_smoothness: {name}, {label}"] = case
    return out | {f"sampled_smoothness: {name}": law for name, law in laws().items()}


def ell(world, inverse):
    return Fraction(inverse) / (1 if world == "all" else 2)


# The claim and the exact expectation, as balls


def ball(number) -> Any:
    return arb(number.numerator) / number.denominator


def constants(case):
    """(eps, lam, c, constants as they are claimed)."""
    inverse = ball(case.inverse)
    pl: Any = arb(1) if case.world == "all" else arb(1) / 2
    zero: Any = arb(0)
    a, b = (zero, inverse) if case.world == "all" else (inverse / 2, zero)
    lam = 1 - (pl / (2 * (a + b * pl))).sqrt()
    put = ball(case.factor)
    whole = pl if case.form == "A" else put  # f = mu x^2 / 2
    return 1 / inverse, lam, inverse * pl, Constants(pl, whole, put, a, b, zero)


def steps(form, k, weights):
    """(gamma, rho) of theory/bounds/ol25.py in balls; "A" is half of the largest rho, gamma at equality."""
    load, alpha = k.a + k.b * k.pl, weights.slope
    if form == "new":
        rho = (k.pl / (load * alpha)).min(1) / (4 * k.smoothness)
        return ((k.pl / (8 * load)).min(2) / k.smoothness).min(1 / k.pl), rho
    reach = k.pl / (2 * (k.pl + load * alpha))  # ell rho
    gamma = (k.pl - reach * (k.pl + load * alpha)) / (2 * k.smoothness * load * (1 + reach**2 * alpha))
    return gamma.min(1 / k.pl), reach / k.lipschitz


@cache
def compared(case):
    """(exact E f(x_t) or its limit, the claimed bound, the condition, gamma mu) as balls."""
    before, ctx.prec = ctx.prec, BITS
    try:
        eps, lam, c, k = constants(case)
        weights = ol25.paper_weights(lam)
        gamma, rho = steps(case.form, k, weights)
        noise = ol25.noise_a(k, gamma, rho, weights)
        t = max(1, round(case.times * case.inverse))
        turn, push = rare.move(c, gamma, rho, lam)
        if case.reads == "limit exceeds":
            value, claimed = k.pl / 2 * final(turn, push), noise
        else:
            value = k.pl / 2 * (square(turn, push, eps, t) if case.moves else 1)
            claimed = (1 - gamma * k.pl) ** t * k.pl / 2 + noise
        return value, claimed, ol25.condition_a(k, gamma, rho, weights), gamma * k.pl
    finally:
        ctx.prec = before


def final(turn, push):
    """The limit of E x_t^2; infinite, as it is, where turn >= 1, and unknown where no move crosses 0."""
    if turn > 0 and turn < 1:
        return (push / (1 - turn)) ** 2
    return arb.pos_inf() if turn >= 1 else arb.nan()


def square(turn, push, eps, t):
    """E x_t^2, or where turn <= 0 over more than `LISTED` mean moves an interval from 0 to what is above it.

    There |x|+ <= max(|turn| |x|, push), hence x_k^2 <= turn^(2 k) + push^2 after k moves, for all k at once;
    and beyond the moves that are listed, whose chances fall by half each at least, |x| <= max(1, push).
    """
    if turn > 0:
        return rare.crossing(turn, push, eps, t)
    if not turn > -1:
        return arb.nan()
    if t * eps > LISTED:
        return arb(0).union((1 + eps * (turn**2 - 1)) ** t + push**2)
    moves = min(t, 40 + 4 * LISTED)
    chances = list(rare.chances(eps, t, moves))
    sizes = rare.orbit(turn, push, moves)
    total = sum((p * x**2 for p, x in zip(chances, sizes, strict=True)), arb(0))
    ratio = (t - moves) * eps / ((moves + 1) * (1 - eps))
    if not ratio < 0.5:
        return arb.nan()
    return total + arb(0).union(chances[-1] * 2 * ratio * push.max(1) ** 2)


def onset(case):
    """The least m of which the claim is violated at eps = 1 / m: it holds at m - 1, both in balls."""
    holding, violated = WITHIN

    def exceeds(m):
        value, claimed, *_ = compared(case._replace(inverse=Fraction(m)))
        if value > claimed:
            return True
        if value <= claimed or value.is_nan():  # where no move crosses 0 the limit is not known
            return False
        raise ValueError(f"the balls at eps = 1 / {m} overlap; take more than {BITS} bits")

    while violated - holding > 1:
        middle = (holding + violated) // 2
        holding, violated = (holding, middle) if exceeds(middle) else (middle, violated)
    return violated


# Laws in fractions


def laws():
    n, total = len(EACH), sum(EACH)
    most, mean = Fraction(max(EACH)), Fraction(total, n)
    out = {}
    for tau in (1, 2, 3, 4):
        subsets = list(combinations(range(n), tau))
        rows = tuple(tuple(Fraction(n, tau) * (i in s) for i in range(n)) for s in subsets)
        out["uniform" if tau == 1 else f"{tau}-nice"] = Law(rows, most, False)
    rows = tuple(tuple(Fraction(total, EACH[i]) * (i == j) for i in range(n)) for j in range(n))
    out["importance"] = Law(rows, mean, False)
    out["all with probability 1 / 100"] = Law(scarce(100), most, True)
    return out


def scarce(inverse):
    return ((Fraction(inverse),) * len(EACH), (Fraction(0),) * len(EACH))


def steepest(law):
    """max over draws of Lip(grad f_v) = mean_i v_i L_i, attained by parallel f_i."""
    return max(sum(v * each for v, each in zip(row, EACH, strict=True)) / len(EACH) for row in law.support)


# The check


def hypotheses(case):
    if isinstance(case, Law):
        return {"v >= 0": all(v >= 0 for row in case.support for v in row)}
    _, _, condition, rate = compared(case)
    out = {"condition with the claimed constant": not condition > 1, "gamma mu <= 1": bool(rate <= 1)}
    if case.reads == "holds":
        out["ell is no smaller than that of any draw"] = case.factor >= ell(case.world, case.inverse)
    elif case.inverse not in (10**5, 10**6):
        value, claimed, *_ = compared(case._replace(inverse=case.inverse - 1))
        out["holds at 1 / (m - 1)"] = bool(value <= claimed)
    return out


def measured(case):
    if isinstance(case, Law):
        return float(case.most if case.exceeds else steepest(case))
    value, claimed, *_ = compared(case)
    return min(float((value if case.reads == "holds" else claimed).upper()), LARGEST)


def below(case):
    value, claimed, *_ = compared(case)
    return min(float((claimed if case.reads == "holds" else value).lower()), LARGEST)


def bound(case):
    if isinstance(case, Law):
        return float(steepest(case) if case.exceeds else case.most)
    return below(case) * (1 - 2 * RELATIVE)


def tolerance(case):
    return RELATIVE * (bound(case) if isinstance(case, Law) else below(case))


def controls(case):
    if isinstance(case, Law):
        if case.exceeds:
            return {"drawn as often as not": case._replace(support=scarce(Fraction(3, 2)))}
        return {"all, more rarely": lambda factor: case._replace(support=scarce(Fraction(factor)))}
    if case.reads == "holds":
        return {
            "L_max in place of ell": case._replace(factor=Fraction(1)),
            "ell too small": lambda factor: case._replace(factor=case.factor / Fraction(factor)),
        }
    out = {
        "eps larger": lambda factor: case._replace(inverse=case.inverse / Fraction(factor)),
        "L larger": partial(larger, case),
    }
    if case.reads == "exceeds":
        out["no draw moves x"] = case._replace(moves=False)
    return out


def larger(case, factor):
    return case._replace(factor=Fraction(factor))
