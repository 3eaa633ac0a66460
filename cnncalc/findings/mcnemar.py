"""McNemar's exact test: whether two classifiers differ, asked of the same test items."""

from fractions import Fraction


def mcnemar(only_first: int, only_second: int) -> Fraction:
    """The two-sided p of as many items that one classifier alone answers rightly, and the other.

    Items that both answer alike say nothing. Where neither is better, each of the n others falls
    to either with probability 1/2, so p = min(1, 2·Σ C(n, k)/2ⁿ) over k up to the smaller number;
    1 where there is none. Exact. Source: McNemar, Psychometrika 12 (1947), 153–157, with the
    binomial distribution in place of its limit.
    """
    n, fewer = only_first + only_second, min(only_first, only_second)
    ways, term = 0, 1
    for k in range(fewer + 1):
        ways += term
        # C(n, k + 1) from C(n, k).
        term = term * (n - k) // (k + 1)
    return min(Fraction(1), Fraction(2 * ways, 2**n))
