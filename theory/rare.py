"""A parabola that is moved rarely: exact E w_t^2 of Unified SAM for every lam and at any time.

f(w) = mu w^2 / 2 on the line. With probability eps the sampled function is c w^2 / 2, mu = eps c, else 0:
only such a draw moves w, from w to

    w - gamma c (w + rho ((1 - lam) c w + lam sign w)) = -(turn w + push sign w),
    turn = gamma c (1 + rho (1 - lam) c) - 1,        push = gamma c rho lam.

So |w| obeys |w|+ = |turn |w| + push|, and the number of moves in t steps is binomial. Where turn > 0 (each
move crosses 0) k moves from 1 give turn^k (1 + q) - q with q = push / (turn - 1), and the binomial theorem
sums all t + 1 terms:

    E w_t^2 = (1 + q)^2 (1 + eps (turn^2 - 1))^t - 2 q (1 + q) (1 + eps (turn - 1))^t + q^2.

It grows without bound for turn > 1 and tends to q^2 for 0 < turn < 1. The functions use operators alone
where they can, so that balls of interval arithmetic pass through them.

Place: ours; the law is all functions at once with probability eps, or one of two functions, the other zero.
"""

import numpy as np


def move(c, gamma, rho, lam):
    """(turn, push)."""
    reach = gamma * c
    return reach * (1 + rho * (1 - lam) * c) - 1, reach * rho * lam


def crossing(turn, push, eps, t):
    """E w_t^2 from w_0 = 1 where turn > 0 and turn is not 1: all terms, by the binomial theorem."""
    q = push / (turn - 1)
    grown, mixed = (1 + eps * (turn**2 - 1)) ** t, (1 + eps * (turn - 1)) ** t
    return (1 + q) ** 2 * grown - 2 * q * (1 + q) * mixed + q**2


def orbit(turn, push, moves):
    """|w| after 0, 1, ..., `moves` moves from 1, one at a time."""
    size = 0 * turn + 1
    for _ in range(moves + 1):
        yield size
        size = abs(turn * size + push)


def chances(eps, t, moves):
    """The probabilities of 0, 1, ..., `moves` moves in t steps."""
    chance = (1 - eps) ** t
    for k in range(moves + 1):
        yield chance
        chance = chance * (t - k) * eps / ((k + 1) * (1 - eps))


def listed(turn, push, eps, t, moves):
    """E w_t^2 over at most `moves` moves, term by term; t may be an array. Whole where moves >= t."""
    sizes, shares = orbit(turn, push, moves), chances(eps, np.asarray(t, dtype=float), moves)
    return sum(share * size**2 for size, share in zip(sizes, shares, strict=True))
