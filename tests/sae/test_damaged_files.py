"""Damaged files and false headers: an error that names the file, no memory taken, no hang."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import json
import pickle
import struct
import zipfile

import numpy as np
import pytest

from sksupercode.sae._formats._given import Given
from sksupercode.sae._formats._registry import read_weights
from sksupercode.sae._weights import SAEWeights
from tests.marks import long
from tests.sae import single_release_files
from tests.sae import weight_files as files
from tests.sae.weight_files import D, K, N, bounded_memory, deadline, npy

HOOK_Z = "gpt2-small_L0_Hcat_z_lr1.20e-03_v9.pt"
FILES = {
    "saelens": ("sae_weights.safetensors", "cfg.json"),
    "gemma_scope": ("params.npz",),
    "sparsify": ("sae.safetensors", "cfg.json"),
    "dictionary_learning": ("ae.pt", "config.json"),
    "openai": ("9.pt",),
    "gemma_scope_2": ("params.safetensors", "config.json"),
    "llama_scope": ("checkpoints/final.safetensors", "hyperparams.json"),
    "llama_scope_r1": ("sae_weights.safetensors", "config.json"),
    "qwen_scope": ("layer7.sae.pt",),
    "qwen_transcoder": ("layer_11.safetensors",),
    "clt": ("W_enc_4.safetensors", "W_dec_4.safetensors"),
    "hook_z": (HOOK_Z, HOOK_Z.replace(".pt", "_cfg.json")),
    "goodfire": ("SAE-l19.pth",),
    "deepseek_r1": ("SAE-l19.pt",),
}
DAMAGED = [(format, name) for format, names in FILES.items() for name in names]


def write(folder, format):
    if format in single_release_files.WITH_TORCH:
        torch = pytest.importorskip("torch", reason="needs PyTorch")
        single_release_files.WITH_TORCH[format](torch, folder)
    elif format in single_release_files.WITHOUT_TORCH:
        single_release_files.WITHOUT_TORCH[format](folder)
    elif format in ("dictionary_learning", "openai"):
        torch = pytest.importorskip("torch", reason="needs PyTorch")
        where = folder / "9.pt" if format == "openai" else folder
        getattr(files, format)(torch, where)
    else:
        getattr(files, format)(folder)


def load_or_refuse(folder, format, name):
    """Load; return whether there was an error of the right kind, which names the file."""
    weight_file = folder / FILES[format][0]
    try:
        with deadline():
            given = Given(k=K) if format == "qwen_scope" else None
            weights = read_weights(weight_file, format=format, given=given)
    except (ValueError, FileNotFoundError) as error:
        # What is damaged, or, if the configuration is, what disagrees with it.
        assert str(folder / name) in str(error) or str(weight_file) in str(error)
        return True
    assert isinstance(weights, SAEWeights)
    assert all(np.isfinite(np.asarray(a, np.float32)).all() for a in weights.arrays().values())
    return False


def flipped(data):
    """Flip one bit."""
    rng = np.random.default_rng(0)
    # Headers come first in safetensors, and last in archives.
    edges = np.concatenate([np.arange(400), 8 * len(data) - 1 - np.arange(400)])
    positions = np.concatenate([rng.choice(edges, 40), rng.integers(8 * len(data), size=60)])
    for position in positions:
        changed = bytearray(data)
        changed[position // 8 % len(data)] ^= 1 << position % 8
        yield changed


def with_bursts(data):
    """Put random bytes in the place of up to 63."""
    rng = np.random.default_rng(1)
    for _ in range(25):
        changed = np.frombuffer(data, np.uint8).copy()
        start = rng.integers(len(data))
        burst = rng.integers(256, size=rng.integers(1, 64), dtype=np.uint8)[: len(data) - start]
        changed[start : start + len(burst)] = burst
        yield changed.tobytes()


def truncated(data):
    """Leave out the end."""
    for length in np.unique(np.linspace(0, len(data) - 1, 40).astype(int)):
        yield data[:length]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "damaged, refused", [*long((flipped, 0.1), (with_bursts, 0)), (truncated, 1)]
)
@pytest.mark.parametrize("format, name", DAMAGED)
def test_damage(tmp_path, format, name, damaged, refused):
    """It is refused, in at least a fraction of cases, or leaves finite weights."""
    write(tmp_path, format)
    path = tmp_path / name
    outcomes = []
    for data in damaged(path.read_bytes()):
        path.unlink()
        path.write_bytes(data)
        outcomes.append(load_or_refuse(tmp_path, format, name))
    assert np.mean(outcomes) >= refused


def test_checksums_of_archives_are_verified(tmp_path, torch):
    for write_file, path in (
        (lambda: files.gemma_scope(tmp_path), tmp_path / "params.npz"),
        (lambda: files.openai(torch, tmp_path / "9.pt"), tmp_path / "9.pt"),
    ):
        write_file()
        data = bytearray(path.read_bytes())
        value = files.draw(**{"W_enc": (D, N)})["W_enc"] if path.suffix == ".npz" else None
        offset = data.find(value.tobytes()) if value is not None else data.find(b"\0" * 80)
        data[offset + 4] ^= 1
        path.unlink()
        path.write_bytes(data)
        with pytest.raises(ValueError, match=f"{path.name}: not a valid archive"):
            read_weights(path)


def raw_safetensors(folder, header, data=b"\0" * 2000, length=None):
    """Write a file with this header, and a configuration."""
    files.saelens(folder)
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    length = len(text) if length is None else length
    path = folder / "sae_weights.safetensors"
    path.write_bytes(struct.pack("<Q", length) + text + data)
    return path


def entry(shape=(N, D), offsets=(0, 4 * N * D), dtype="F32"):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"null",
        b"[]",
        b"{}" + b"\xff" * 8,
        b'{"W_dec": ' + b"[" * 100_000,
        {"W_dec": entry()},  # not all of the data
        {"W_dec": entry((-N, -D), (0, 2000))},
        {"W_dec": entry((2**40, 2**40), (0, 2000))},
        {"W_dec": entry((2**62, 2**62), (0, 2**63))},
        {"W_dec": entry((500,), (0, 4000))},
        {"W_dec": entry((500,), (2000, 0))},
        {"W_dec": entry((500,), (-2000, 0))},
        {"W_dec": entry((500.0,), (0, 2000))},
        {"W_dec": entry((N, D, 1), (0, 2000))},
        {"W_dec": entry((500,), (0, 2000)), "b_dec": entry((500,), (0, 2000))},
        {"W_dec": entry((250,), (0, 1000)), "b_dec": entry((225,), (1100, 2000))},
        {"W_dec": entry((500,), (0, 2000), "F128")},
        {"W_dec": entry((500,), (0, 2000), "I32")},
        {"W_dec": entry((2000,), (0, 2000), "F8_E4M3")},
        {"W_dec": {"dtype": "F32"}},
        {"W_dec": 3},
        {"__metadata__": 3, "W_dec": entry((500,), (0, 2000))},
        b'{"W_dec":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},'
        b'"W_dec":{"dtype":"F32","shape":[500],"data_offsets":[0,2000]}}',
    ],
)
def test_headers_of_safetensors(tmp_path, header):
    path = raw_safetensors(tmp_path, header)
    with deadline(), bounded_memory(), pytest.raises(ValueError, match=path.name):
        read_weights(tmp_path)


@pytest.mark.parametrize("length", [0, 1, 7, 2**20 + 1, 10**8, 2**63, 2**64 - 1])
def test_header_lengths_of_safetensors(tmp_path, length):
    path = raw_safetensors(tmp_path, {"W_dec": entry((500,), (0, 2000))}, length=length)
    with deadline(), bounded_memory(), pytest.raises(ValueError, match=path.name):
        read_weights(tmp_path)


def test_configuration_of_a_giant(tmp_path):
    files.saelens(tmp_path, d_sae=2**60, d_in=2**60)
    with deadline(), bounded_memory(), pytest.raises(ValueError, match="must have shape"):
        read_weights(tmp_path)


@pytest.mark.parametrize(
    "member",
    [
        npy((2**40,)),
        npy((2**62, 2**62), data=b"\0" * 400),
        npy((-1,), data=b"\0" * 400),
        npy((-2, -50), data=b"\0" * 400),
        npy((101,), data=b"\0" * 400),
        npy((99,), data=b"\0" * 400),
        npy((1,), "|O", data=pickle.dumps([1])),
        npy((2**40,), "|S0"),
        npy((2**40,), [("a", "|V0")]),
        npy((), "<f4", data=b"\0" * 8, version=(2, 0)),
        npy((100,), data=b"\0" * 400).replace(b"(100,)", b"(1j,) "),
        npy((100,), data=b"\0" * 400).replace(b"\x93NUMPY\x01", b"\x93NUMPY\x09"),
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b"(" * 5000,
        b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535,
        b"",
        b"no array",
    ],
)
def test_members_of_npz(tmp_path, member):
    path = tmp_path / "params.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("W_dec.npy", member)
    with deadline(), bounded_memory(), pytest.raises(ValueError, match=r"params.npz"):
        read_weights(path)


def test_archives_that_expand(tmp_path):
    path = tmp_path / "params.npz"
    np.savez_compressed(path, W_dec=np.zeros(2**23))
    with deadline(), bounded_memory(), pytest.raises(ValueError, match=r"params.npz: not a valid"):
        read_weights(path)


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_archives_with_two_members_of_one_name(tmp_path):
    path = tmp_path / "params.npz"
    files.gemma_scope(tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("W_dec.npy", npy((1,), data=b"\0" * 4))
    with pytest.raises(ValueError, match="the same name"):
        read_weights(path)
