"""Sound files with odd contents: an error that names the file, or finite weights, and no hang."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from sksupercode import load_sae
from tests.sae import single_release_files
from tests.sae import weight_files as files
from tests.sae.weight_files import bounded_memory, deadline

CONFIGS = {
    "gemma_scope_2": "config.json",
    "llama_scope": "hyperparams.json",
    "llama_scope_r1": "config.json",
    "hook_z": "gpt2-small_L0_Hcat_z_lr1.20e-03_v9_cfg.json",
}
ODD_VALUES = (
    None,
    True,
    False,
    "",
    "sae",
    -1,
    0,
    1e-320,
    2**70,
    1e308,
    float("nan"),
    [],
    {"in": "x"},
)


def write(folder, name):
    if name in single_release_files.WITH_TORCH:
        torch = pytest.importorskip("torch", reason="needs PyTorch")
        return single_release_files.WITH_TORCH[name](torch, folder)[0]
    return single_release_files.WITHOUT_TORCH[name](folder)[0]


def odd_arrays(array):
    yield None
    yield array.astype(np.int32)
    yield array.astype(bool)
    yield np.full_like(array, np.nan)
    yield np.full_like(array, 3e38)
    yield np.zeros_like(array)
    yield np.stack([array, array])
    if array.ndim == 0:
        return
    yield array[:0]
    yield array[..., None]
    yield array.reshape(-1)[0]
    yield array.reshape(-1)[:-1]
    yield np.ascontiguousarray(array.T)
    yield array[:, :-1] if array.ndim == 2 else array[:-1]


def load_or_refuse(path, tmp_path):
    """Return whether it is refused, by an error that names a file."""
    k = 3 if path.name.startswith("layer7") else None
    try:
        with deadline(), bounded_memory(), np.errstate(all="raise"):
            weights = load_sae(path, k=k).estimator.weights_
    except (ValueError, FileNotFoundError) as error:
        assert str(tmp_path) in str(error)
        return True
    assert all(np.isfinite(np.asarray(a, np.float32)).all() for a in weights.arrays().values())
    return False


def save_arrays(arrays, path):
    save_file({key: np.ascontiguousarray(array) for key, array in arrays.items()}, path)


def count_refusals(path, tmp_path, arrays, save):
    """Put odd arrays in the place of each; one that is missing is always refused."""
    n_refused = 0
    for key, array in arrays.items():
        for odd in odd_arrays(array):
            changed = {**arrays, key: odd}
            if odd is None:
                del changed[key]
            path.unlink()
            save(changed, path)
            refused = load_or_refuse(path, tmp_path)
            n_refused += refused
            assert refused or odd is not None
    return n_refused


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "name", [*single_release_files.WITHOUT_TORCH, *single_release_files.WITH_TORCH]
)
def test_odd_arrays(tmp_path, name):
    path = write(tmp_path, name)
    torch = pytest.importorskip("torch") if name in single_release_files.WITH_TORCH else None
    if torch is None:
        arrays, save = load_file(path), save_arrays
    else:
        arrays = {key: value.numpy() for key, value in torch.load(path).items()}

        def save(changed, path):
            torch.save({key: torch.tensor(array) for key, array in changed.items()}, path)

    assert count_refusals(path, tmp_path, arrays, save) >= 5 * len(arrays)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", CONFIGS)
def test_odd_configurations(tmp_path, name):
    path = write(tmp_path, name)
    config = json.loads((tmp_path / CONFIGS[name]).read_text())
    if name == "llama_scope":
        config["sparsity_include_decoder_norm"] = False
    for key in [*config, "type", "is_transcoder", "norm_activation"]:
        for value in ODD_VALUES:
            (tmp_path / CONFIGS[name]).write_text(json.dumps({**config, key: value}))
            load_or_refuse(path, tmp_path)
    for text in ("", "[]", "{", "null", '{"a": ' + "[" * 10_000):
        (tmp_path / CONFIGS[name]).write_text(text)
        assert load_or_refuse(path, tmp_path)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("architecture", files.TRANSCODER_SHAPES)
def test_odd_transcoders_of_saelens(tmp_path, architecture):
    files.saelens(tmp_path, architecture)
    path = tmp_path / "sae_weights.safetensors"
    arrays = load_file(path)
    assert count_refusals(path, tmp_path, arrays, save_arrays) >= 5 * len(arrays)
