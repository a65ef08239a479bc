"""Quantiles of Student's t distribution, without a library for the two that are needed."""

from statistics import NormalDist

# 97.5 % and 80 %, for 1, 2, ... degrees of freedom. Source: any table of the distribution.
_T_975 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045,
)  # fmt: skip
_T_800 = (1.376, 1.061, 0.978, 0.941, 0.920, 0.906, 0.896, 0.889, 0.883, 0.879)


def t_975(degrees: int) -> float:
    """The 97.5 % quantile."""
    return _quantile(0.975, degrees, _T_975)


def t_800(degrees: int) -> float:
    """The 80 % quantile."""
    return _quantile(0.8, degrees, _T_800)


def _quantile(share: float, degrees: int, table: tuple[float, ...]) -> float:
    """From the table, and beyond it the normal distribution's with the first two terms of its
    expansion in 1 / degrees, which is right to the table's digits there.
    """
    if degrees <= len(table):
        return table[degrees - 1]
    z = NormalDist().inv_cdf(share)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return z + first / degrees + second / degrees**2
