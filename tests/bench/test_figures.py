"""Bars: what misses one says so, in words and to the exit code."""

from bench.figures import Figure, Limit, compare, percentile


def test_figure_below_its_bar_is_missed_and_says_so() -> None:
    below = Figure("a", 49, "b", 100, 0.49, 0.5)
    assert below.missed
    assert "MISSED" in str(below)
    assert not Figure("a", 50, "b", 100, 0.5, 0.5).missed


def test_limit_reached_or_no_number_is_missed() -> None:
    assert Limit("a", 200.0, "MB", 200.0).missed
    assert Limit("a", float("nan"), "MB", 200.0).missed
    assert not Limit("a", 199.9, "MB", 200.0).missed


def test_compare_takes_turns_and_the_median_of_the_ratios() -> None:
    turns: list[str] = []

    def measured(name: str, rates: list[float]) -> float:
        turns.append(name)
        return rates.pop(0)

    rates, references = [10.0, 30.0, 100.0], [10.0, 10.0, 200.0]
    found = compare(
        "a", lambda: measured("run", rates), "b", lambda: measured("reference", references), bar=1, rounds=3
    )
    assert turns == ["reference", "run"] * 3
    assert (found.rate, found.reference, found.ratio) == (30.0, 10.0, 1.0)


def test_percentile_is_a_value_that_was_measured() -> None:
    assert percentile(list(range(100)), 0.99) == 99
    assert percentile([5.0], 0.99) == 5.0
