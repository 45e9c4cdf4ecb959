# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import copy
import gc
import threading
import time
import tracemalloc
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sksupercode import MatchingPursuitDecoder, RademacherEncoder, SphericalEncoder, TopKDecoder
from sksupercode._utils import _memory
from sksupercode.datasets import make_sparse_codes
from sksupercode.encoders import _rademacher, _spherical
from sksupercode.encoders._base import _codebooks

pytestmark = pytest.mark.usefixtures("small_heap")

STORAGES = [
    RademacherEncoder(storage="dense", random_state=0),
    RademacherEncoder(storage="packed", random_state=0),
    RademacherEncoder(storage="seed", random_state=0),
    SphericalEncoder(random_state=0),
]


def n_kept():
    """Return how many codebooks are in use anywhere."""
    gc.collect()
    return len(_codebooks)


each_storage = pytest.mark.parametrize("encoder", STORAGES, ids=str)


@each_storage
def test_one_recipe_is_one_object(encoder):
    codebook = encoder.codebook(30, 20)
    others = [
        clone(encoder),
        copy.deepcopy(encoder),
        clone(encoder).set_params(n_components=7, n_features=9),
        clone(encoder).set_params(random_state=np.int64(0)),
    ]
    for other in others:
        assert other.codebook(30, 20) is codebook
    fitted = clone(encoder).set_params(n_components=20).fit(np.ones((1, 30)))
    assert fitted.dictionary_ is codebook
    assert copy.deepcopy(fitted).dictionary_ is codebook
    assert encoder.codebook(np.int64(30), np.int64(20)) is codebook


@each_storage
def test_other_recipes_are_other_objects(encoder):
    codebook = encoder.codebook(30, 20)
    others = [
        encoder.codebook(31, 20),
        encoder.codebook(30, 21),
        encoder.codebook(20, 30),
        clone(encoder).set_params(random_state=1).codebook(30, 20),
        *(other.codebook(30, 20) for other in STORAGES if other is not encoder),
    ]
    assert all(other is not codebook for other in others)


def test_kinds_of_the_same_storage_are_other_objects():
    class OtherEncoder(SphericalEncoder):
        _kind = "other"

    codebooks = [kind(random_state=0).codebook(30, 20) for kind in (SphericalEncoder, OtherEncoder)]
    assert codebooks[0] is not codebooks[1]
    assert not np.any(np.asarray(codebooks[0]) == np.asarray(codebooks[1]))


def test_auto_storage_shares_with_what_it_amounts_to():
    auto, dense = (
        RademacherEncoder(storage=storage, random_state=0) for storage in ("auto", "dense")
    )
    assert auto.codebook(30, 20) is dense.codebook(30, 20)


@pytest.mark.parametrize("random_state", [None, np.random.RandomState(0), np.random.default_rng(0)])
def test_unseeded_codebooks_are_not_kept(random_state):
    before = n_kept()
    encoder = RademacherEncoder(random_state=random_state).fit(np.ones((1, 30)))
    assert n_kept() == before
    assert RademacherEncoder(random_state=random_state).fit(np.ones((1, 30))).dictionary_ is not (
        encoder.dictionary_
    )


@each_storage
def test_codebooks_are_freed_when_nobody_uses_them(encoder):
    fitted = clone(encoder).set_params(random_state=123).fit(np.ones((1, 33)))
    y = np.eye(1, 33)
    decoder = TopKDecoder(fitted).fit(fitted.transform(y), y)
    decoder.predict(fitted.transform(y))
    assert decoder.dictionary_ is fitted.dictionary_
    reference = weakref.ref(fitted.dictionary_)
    del fitted
    before = n_kept()
    assert reference() is not None
    del decoder
    assert n_kept() == before - 1
    assert reference() is None


@each_storage
def test_a_freed_codebook_is_drawn_again(encoder):
    first = np.array(encoder.codebook(35, 20))
    gc.collect()
    np.testing.assert_array_equal(np.asarray(encoder.codebook(35, 20)), first)


@each_storage
def test_threads_share_one_codebook(encoder, monkeypatch):
    drawn = []
    draw = type(encoder)._draw

    def slow_draw(self, *args):
        drawn.append(threading.get_ident())
        time.sleep(0.05)
        return draw(self, *args)

    monkeypatch.setattr(type(encoder), "_draw", slow_draw)
    n_threads = 16
    barrier = threading.Barrier(n_threads)

    def ask(_):
        barrier.wait()
        return clone(encoder).codebook(77, 21)

    with ThreadPoolExecutor(n_threads) as pool:
        codebooks = list(pool.map(ask, range(n_threads)))
    assert len({id(codebook) for codebook in codebooks}) == 1
    assert len(drawn) == 1


@each_storage
def test_steps_of_a_pipeline_share_one_codebook(encoder):
    Y = make_sparse_codes(n_samples=20, n_features=50, n_nonzero_coefs=2, random_state=0)
    encoder = clone(encoder).set_params(n_components=64)
    decoders = [TopKDecoder(encoder), MatchingPursuitDecoder(encoder)]
    before = n_kept()
    pipelines = [clone(make_pipeline(encoder, decoder)).fit(Y, Y) for decoder in decoders]
    dictionaries = [step.dictionary_ for pipeline in pipelines for _, step in pipeline.steps]
    assert len(dictionaries) == 4
    assert len({id(dictionary) for dictionary in dictionaries}) == 1
    assert n_kept() == before + 1
    assert np.mean([pipeline.score(Y, Y) for pipeline in pipelines]) > 0.5


def test_a_failed_draw_leaves_nothing_behind(monkeypatch):
    encoder = RademacherEncoder(random_state=0)
    with monkeypatch.context() as patch:
        patch.setattr(_memory, "available_memory", lambda: 10)
        with pytest.raises(MemoryError):
            encoder.codebook(41, 20)
    assert encoder.codebook(41, 20).shape == (41, 20)


# What cannot fit in memory

HUGE = [
    (RademacherEncoder(storage="auto", random_state=0), 2**41),
    (RademacherEncoder(storage="dense", random_state=0), 2**46),
    (RademacherEncoder(storage="packed", random_state=0), 2**41),
    (RademacherEncoder(storage="packed"), 2**41),
    (SphericalEncoder(random_state=0), 2**46),
    (SphericalEncoder(), 2**46),
]


@pytest.mark.parametrize("encoder, nbytes", HUGE, ids=str)
def test_a_codebook_that_cannot_fit_is_refused_before_anything_is_allocated(encoder, nbytes):
    n_features, n_components = 2**20, 2**24
    encoder = clone(encoder).set_params(n_components=n_components)
    Y = csr_array((1, n_features))
    tracemalloc.start()
    try:
        with pytest.raises(MemoryError) as info:
            encoder.fit(Y)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    for number in (n_features, n_components, f"{nbytes:,} bytes"):
        assert str(number) in str(info.value)
    assert peak < 2**20
    assert not hasattr(encoder, "dictionary_")


def test_a_decoder_refuses_what_cannot_fit():
    encoder = SphericalEncoder(n_features=2**40, random_state=0)
    with pytest.raises(MemoryError, match="bytes"):
        TopKDecoder(encoder, n_nonzero_coefs=1).fit(np.ones((2, 1000)))


@pytest.mark.parametrize("available, fits", [(99, False), (100, True), (101, True), (None, True)])
def test_require_memory(available, fits, monkeypatch):
    monkeypatch.setattr(_memory, "available_memory", lambda: available)
    if fits:
        _memory.require_memory(100, "A test")
    else:
        with pytest.raises(MemoryError, match=r"^A test needs 100 bytes, but only 99 bytes"):
            _memory.require_memory(100, "A test")


def test_available_memory():
    available = _memory.available_memory()
    assert available is None or 2**20 < available < 2**50


@pytest.mark.parametrize(
    "encoder, module, shape",
    [
        (STORAGES[0], _rademacher, (2**13, 2**11)),
        (STORAGES[1], _rademacher, (2**16, 2**13)),
        (STORAGES[3], _spherical, (2**10, 2**14)),
    ],
    ids=str,
)
def test_drawing_takes_the_memory_that_was_asked_for(encoder, module, shape, monkeypatch):
    asked = []
    monkeypatch.setattr(module, "require_memory", lambda nbytes, purpose: asked.append(nbytes))
    tracemalloc.start()
    try:
        codebook = encoder.codebook(*shape)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # Blocks of bounded size come on top; 48 MiB is less than the codebooks drawn here.
    assert codebook.nbytes >= 2**26
    assert codebook.nbytes <= asked[0]
    assert peak <= asked[0] + 48 * 2**20
