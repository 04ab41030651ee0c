from __future__ import annotations

from benchmarks.measurements import Figure, Key, Measure, Measurements, ratio

START = Key(Measure.START_MS, "standard")


def test_a_figure_has_the_median_and_the_middle_half_of_its_runs() -> None:
    figure = Figure((5.0, 1.0, 3.0, 2.0, 4.0))
    assert figure.median == 3.0
    assert figure.quartiles == (2.0, 4.0)
    assert Figure((7.0,)).quartiles == (7.0, 7.0)


def test_a_ratio_is_taken_in_each_run_by_itself() -> None:
    # The machine was three times slower in the second run, for both.
    assert ratio(Figure((12.0, 36.0, 11.0)), Figure((10.0, 30.0, 10.0))) == Figure((1.2, 1.2, 1.1))


def test_what_was_not_measured_in_every_run_has_no_ratio() -> None:
    assert ratio(Figure((1.0, 2.0)), Figure((1.0,))) is None
    assert ratio(None, Figure((1.0,))) is None
    assert ratio(Figure((1.0,)), None) is None


def test_a_denominator_of_zero_misses_every_upper_limit() -> None:
    assert ratio(Figure((1.0,)), Figure((0.0,))) == Figure((float("inf"),))


def test_values_are_kept_by_key_in_the_order_of_their_recording() -> None:
    measurements = Measurements()
    measurements.record(START, 2.0)
    measurements.record(Key(Measure.CALL_MS, "stdio", "20 records, 0 ms"), 3.0)
    measurements.record(Key(Measure.START_MS, "bare"), 1.0)
    measurements.record(START, 4.0)
    assert measurements.figure(START) == Figure((2.0, 4.0))
    assert measurements.subjects(Measure.START_MS) == ["standard", "bare"]
    assert measurements.cases(Measure.CALL_MS) == ["20 records, 0 ms"]
    assert [key.subject for key in measurements.all_figures()] == ["standard", "stdio", "bare"]


def test_what_the_system_cannot_measure_is_not_recorded() -> None:
    measurements = Measurements()
    measurements.record(START, None)
    assert measurements.figure(START) is None
    assert measurements.subjects(Measure.START_MS) == []
