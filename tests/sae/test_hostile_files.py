"""Damaged and hostile files: an error that names the file, no code run, no memory taken, no hang."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import io
import json
import os
import pickle
import signal
import struct
import tracemalloc
import zipfile
from contextlib import contextmanager

import numpy as np
import pytest

from sksupercode.sae._formats._registry import read_weights
from sksupercode.sae._weights import SAEWeights
from tests.sae import weight_files as files
from tests.sae.weight_files import D, N

FILES = {
    "saelens": ("sae_weights.safetensors", "cfg.json"),
    "gemma_scope": ("params.npz",),
    "sparsify": ("sae.safetensors", "cfg.json"),
    "dictionary_learning": ("ae.pt", "config.json"),
    "openai": ("9.pt",),
}
DAMAGED = [(format, name) for format, names in FILES.items() for name in names]
# A file system may have to be waited for; a loop over 2**40 entries is to be told from that.
DEADLINE_SECONDS = 30


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="needs PyTorch")


@contextmanager
def deadline():
    """Interrupt what does not end."""

    def interrupt(signum, frame):
        raise TimeoutError(f"no end after {DEADLINE_SECONDS} seconds")

    if not hasattr(signal, "SIGALRM"):
        yield
        return
    previous = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(DEADLINE_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


def write(folder, format):
    if format in ("dictionary_learning", "openai"):
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
            weights = read_weights(weight_file, format=format)
    except (ValueError, FileNotFoundError) as error:
        # What is damaged, or, if the configuration is, what disagrees with it.
        assert str(folder / name) in str(error) or str(weight_file) in str(error)
        return True
    assert isinstance(weights, SAEWeights)
    assert all(np.isfinite(np.asarray(a, np.float32)).all() for a in weights.arrays().values())
    return False


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("format, name", DAMAGED)
def test_bit_flips(tmp_path, format, name):
    write(tmp_path, format)
    path = tmp_path / name
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    # Headers come first in safetensors, and last in archives.
    edges = np.concatenate([np.arange(400), 8 * len(data) - 1 - np.arange(400)])
    positions = np.concatenate([rng.choice(edges, 100), rng.integers(8 * len(data), size=300)])
    refused = 0
    for position in positions:
        flipped = bytearray(data)
        flipped[position // 8 % len(data)] ^= 1 << position % 8
        path.unlink()
        path.write_bytes(flipped)
        refused += load_or_refuse(tmp_path, format, name)
    assert refused > 40


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("format, name", DAMAGED)
def test_bursts_of_random_bytes(tmp_path, format, name):
    write(tmp_path, format)
    path = tmp_path / name
    data = path.read_bytes()
    rng = np.random.default_rng(1)
    for _ in range(100):
        changed = np.frombuffer(data, np.uint8).copy()
        start = rng.integers(len(data))
        burst = rng.integers(256, size=rng.integers(1, 64), dtype=np.uint8)[: len(data) - start]
        changed[start : start + len(burst)] = burst
        path.unlink()
        path.write_bytes(changed.tobytes())
        load_or_refuse(tmp_path, format, name)


@pytest.mark.parametrize("format, name", DAMAGED)
def test_truncation(tmp_path, format, name):
    write(tmp_path, format)
    path = tmp_path / name
    data = path.read_bytes()
    for length in np.unique(np.linspace(0, len(data) - 1, 150).astype(int)):
        path.unlink()
        path.write_bytes(data[:length])
        assert load_or_refuse(tmp_path, format, name)


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
        with pytest.raises(ValueError, match=f"{path.name}: not a sound archive"):
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


@contextmanager
def bounded_memory(limit=2**24):
    """Fail where more than 16 MiB are allocated."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < limit


def npy(shape, dtype="<f4", data=b"", version=(1, 0)):
    """An array file whose header may promise anything."""
    file = io.BytesIO()
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    write_header = {
        (1, 0): np.lib.format.write_array_header_1_0,
        (2, 0): np.lib.format.write_array_header_2_0,
    }[version]
    write_header(file, header)
    return file.getvalue() + data


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
    with deadline(), bounded_memory(), pytest.raises(ValueError, match=r"params.npz: not a sound"):
        read_weights(path)


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_archives_with_two_members_of_one_name(tmp_path):
    path = tmp_path / "params.npz"
    files.gemma_scope(tmp_path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("W_dec.npy", npy((1,), data=b"\0" * 4))
    with pytest.raises(ValueError, match="the same name"):
        read_weights(path)


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"echo ran > {self.marker}",)


def test_payload_works(tmp_path):
    # Without this the tests below would pass for the wrong reason.
    pickle.loads(pickle.dumps(Payload(tmp_path / "marker")))
    assert (tmp_path / "marker").exists()


def test_npz_runs_no_code(tmp_path):
    marker, path = tmp_path / "marker", tmp_path / "params.npz"
    payload = np.array([Payload(marker)], dtype=object)
    for array in (payload, payload.reshape(1, 1)):
        files.gemma_scope(tmp_path)
        arrays = dict(np.load(path)) | {"W_dec": array}
        np.savez(path, **arrays)
        with pytest.raises(ValueError, match=r"params.npz.*'W_dec.npy' holds pickled objects"):
            read_weights(path)
    for data in (pickle.dumps(Payload(marker)), npy((1,), "|O", pickle.dumps(Payload(marker)))):
        path.write_bytes(data)
        with pytest.raises(ValueError, match=r"params.npz: not a sound archive"):
            read_weights(path)
    assert not marker.exists()


def test_pytorch_files_run_no_code(tmp_path, torch):
    marker, path = tmp_path / "marker", tmp_path / "9.pt"
    payload = Payload(marker)
    for value in (payload, [payload], {"activation": payload}):
        torch.save(value, path)
        with pytest.raises(ValueError, match=r"9.pt: torch.load\(weights_only=True\) refuses"):
            read_weights(path)
    files.openai(torch, path, activation_state_dict={"k": payload})
    with pytest.raises(ValueError, match="weights_only"):
        read_weights(path)
    torch.save({"activation": payload}, path, _use_new_zipfile_serialization=False)
    with pytest.raises(ValueError, match="not a sound archive"):
        read_weights(path)
    path.write_bytes(pickle.dumps(payload))
    with pytest.raises(ValueError, match="not a sound archive"):
        read_weights(path)
    assert not marker.exists()


def test_pytorch_files_with_unsound_members(tmp_path, torch):
    path = tmp_path / "9.pt"
    files.openai(torch, path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(ValueError, match="9.pt"):
        read_weights(path)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data[:-8] if "/data/" in name else data)
    with pytest.raises(ValueError, match=r"9.pt: '.*' has shape .*disagrees with its data"):
        read_weights(path)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data + b"\0" * 2**20 if name.endswith("data.pkl") else data)
    with pytest.raises(ValueError, match=r"9/data.pkl' has \d+ bytes"):
        read_weights(path)


def nested_key(opcodes):
    """A pickle of a dictionary whose key is a tuple that these opcodes nest in itself."""
    return b"\x80\x02}()" + opcodes + b"K\x01u."


@pytest.mark.parametrize(
    "data",
    [
        nested_key(b"q\0h\0\x86" * 64),  # as many entries as 2**64
        nested_key(b"q\0h\0h\0\x87" * 64),
        nested_key(b"\x85" * 2**19),  # as deep as the stack is not
        nested_key(b"q\0" + b"(h\0" * 2 + b"tt" * 20_000),
        nested_key(b"h\7\x86"),
        b"".join([b"\x80\x02(", b"q\0h\0\x86" * 64, b"."]),
    ],
)
def test_pickles_that_take_forever_to_hash(tmp_path, torch, data):
    path = tmp_path / "9.pt"
    files.openai(torch, path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, member in members.items():
            archive.writestr(name, data if name.endswith("data.pkl") else member)
    with deadline(), pytest.raises(ValueError, match=r"9.pt: not a sound archive"):
        read_weights(path)


def test_tensors_larger_than_their_storage(tmp_path, torch):
    path = tmp_path / "9.pt"
    giant = torch.zeros(1).expand(2**20, 2**20)
    files.openai(torch, path, **{"encoder.weight": giant})
    with deadline(), pytest.raises(ValueError, match=r"'encoder.weight' .* storage of 4 bytes"):
        read_weights(path)


def test_tensors_that_are_no_arrays(tmp_path, torch):
    path = tmp_path / "9.pt"
    odd = {
        "sparse": torch.zeros(N, D).to_sparse(),
        "meta": torch.zeros(N, D, device="meta"),
        "complex": torch.zeros(N, D, dtype=torch.complex64),
        "integers": torch.zeros(N, D, dtype=torch.int64),
        "quarter": torch.zeros(N, D).to(torch.float8_e4m3fn),
    }
    for tensor in odd.values():
        files.openai(torch, path, **{"encoder.weight": tensor})
        with pytest.raises(ValueError, match=r"9.pt: .*"):
            read_weights(path)
    torch.save(torch.zeros(3), path)
    with pytest.raises(ValueError, match="must hold a dictionary of tensors, got Tensor"):
        read_weights(path)
    torch.save({(1, 2): torch.zeros(3), None: 3}, path)
    with pytest.raises(ValueError, match="9.pt: unknown <NoneType>, <tuple>"):
        read_weights(path)
