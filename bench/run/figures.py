"""What is made of measured values: medians, spreads and ratios."""

from typing import NamedTuple


class Spread(NamedTuple):
    """Several values of one thing, in its own unit."""

    median: float
    low: float
    high: float


def median(values):
    """The middle one; of an even number the mean of the two in the middle. ValueError for none."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("the median of nothing")
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def spread(values):
    """Median, lowest and highest; None for no values."""
    return Spread(median(values), min(values), max(values)) if values else None


def paired_ratios(ours, theirs):
    """The spread of ours[round] / theirs[round] over the rounds that both have; None for none.

    Ratios of the same minute: what slows the machine for a while slows both. So the median of
    these is steadier than the ratio of the two medians.
    """
    return spread([ours[each] / theirs[each] for each in ours
                   if theirs.get(each, 0) > 0])


def digits_for(value, digits):
    """So many behind the point; one more below 1, or little figures could not be told apart."""
    return digits + 1 if digits > 0 and 0 < abs(value) < 1 else digits


def text_of(value, digits):
    """A figure as it stands in a table: thousands apart, so many digits behind the point."""
    return f"{value:,.{digits}f}"


def text_of_spread(spread_of, digits):
    """`median (lowest–highest)`; the median alone where it was measured once."""
    text = text_of(spread_of.median, digits)
    if spread_of.low == spread_of.high:
        return text
    return f"{text} ({text_of(spread_of.low, digits)}–{text_of(spread_of.high, digits)})"
