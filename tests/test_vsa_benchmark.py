# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest

from benchmarks import _vsa
from benchmarks._bundles import Bundles, all_at_once, in_turns, soft_feedback
from benchmarks._problem import Size
from sksupercode import AMPDecoder


@pytest.mark.parametrize("name", _vsa._METHODS)
def test_every_decoder_reads_what_is_easy_to_read(name):
    _, _, decode = _vsa._METHODS[name]
    bundles = Bundles(200, 6, 5, 4, [0])
    np.testing.assert_array_equal(decode(bundles), bundles.symbols)


def test_feedback_subtracts_all_others():
    # Of positions that only the interference of the others spoils.
    bundles = Bundles(500, 42, 100, 20, [1])
    right = [
        np.mean(decode(bundles) == bundles.symbols)
        for decode in (_vsa._METHODS["codebook decoding"][2], all_at_once, in_turns, soft_feedback)
    ]
    assert right[0] < 0.9 < min(right[1:])
    # What is right stays, and in turns one wrong symbol is found by all others.
    found = bundles.symbols.copy()
    found[:, 7] += 1
    np.testing.assert_array_equal(in_turns(bundles, found % 100), bundles.symbols)


def test_best_number_of_positions():
    for best in (7, 40, 300):
        found = _vsa.best_number(lambda number, best=best: -abs(np.log(number / best)), 40)
        assert found == pytest.approx(best, rel=0.06)


def test_intervals_of_the_part_that_is_right():
    # Bundles that are right or wrong as a whole: of 300 intervals 95 % hold the truth, up to four
    # standard errors of sqrt(.05 * .95 / 300).
    rng = np.random.default_rng(0)
    ends = [_vsa.interval(rng.binomial(1, 0.9, size=(10, 10))) for _ in range(300)]
    assert np.mean([low <= 0.9 <= high for low, high in ends]) > 0.95 - 4 * 0.0126
    low, high = _vsa.interval(np.ones((10, 10)))
    assert 0.9 < low < high == 1


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:.*did not converge:sklearn.exceptions.ConvergenceWarning")
def test_bits_per_dimension(monkeypatch):
    monkeypatch.setattr(_vsa, "_CODEBOOKS", (5,))
    begin, part, _ = _vsa._METHODS["AMP, damping .1"]
    amp = begin, part, _vsa._sectioned(AMPDecoder, damping=0.1, max_iter=30)
    methods = {"codebook decoding": _vsa._METHODS["codebook decoding"], "AMP": amp}
    monkeypatch.setattr(_vsa, "_METHODS", methods)
    *published, codebook, amp = _vsa.vsa(Size(0, 0, 120, 10), 2, lambda what: None)
    assert [row["bits"] for row in published] == [[1.2], [1.4]]
    for row in (codebook, amp):
        assert row["bits"][0] <= row["bits"][1] <= row["bits"][2]
        assert len(row["seconds"]) == 2
    assert [codebook["samples"], amp["samples"]] == [10, 20]
    # Two to five times as much, in theory and by experience.
    assert codebook["bits"][1] < 0.5 < 0.8 < amp["bits"][1]
