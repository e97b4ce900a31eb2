"""Exact confidence limits of a chance, from independent trials (Clopper and Pearson).

Where k of n trials succeed, the upper limit at `level` is the p at which k or fewer successes have the chance
1 - level: the truth exceeds it in at most a share 1 - level of all repetitions, whatever it is.
"""

from scipy.special import betaincinv


def upper(successes, trials, level):
    """One-sided upper limit: P(Binomial(trials, p) <= successes) = 1 - level. 1 where all succeed."""
    return 1.0 if successes >= trials else float(betaincinv(successes + 1, trials - successes, level))


def median_above(ratios, limit, level):
    """Upper limit of the chance that a ratio is above `limit`; below 1/2 the median ratio is not above it.

    A ratio that is no number counts as above.
    """
    return upper(sum(not ratio <= limit for ratio in ratios), len(ratios), level)
