"""Files made to run code, or to take memory or time without end: an error, and nothing else."""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import os
import pickle
import zipfile

import numpy as np
import pytest

from sksupercode.sae._formats._given import Given
from sksupercode.sae._formats._registry import read_weights
from tests.sae import single_release_files
from tests.sae import weight_files as files
from tests.sae.weight_files import D, N, deadline, npy


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
        with pytest.raises(ValueError, match=r"params.npz: not a valid archive"):
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
    with pytest.raises(ValueError, match="not a valid archive"):
        read_weights(path)
    path.write_bytes(pickle.dumps(payload))
    with pytest.raises(ValueError, match="not a valid archive"):
        read_weights(path)
    assert not marker.exists()


@pytest.mark.parametrize("name", single_release_files.WITH_TORCH)
def test_pytorch_files_of_releases_run_no_code(tmp_path, torch, name):
    marker = tmp_path / "marker"
    path, _ = single_release_files.WITH_TORCH[name](torch, tmp_path)
    tensors = torch.load(path, weights_only=True)
    payload, given = Payload(marker), Given(k=3) if name == "qwen_scope" else None
    for key in tensors:
        torch.save({**tensors, key: payload}, path)
        with pytest.raises(ValueError, match=r"torch.load\(weights_only=True\) refuses"):
            read_weights(path, given=given)
        torch.save({**tensors, key: torch.zeros(1).expand(2**20, 2**20)}, path)
        with deadline(), pytest.raises(ValueError, match=f"'{key}' .* storage of 4 bytes"):
            read_weights(path, given=given)
    path.write_bytes(pickle.dumps(payload))
    with pytest.raises(ValueError, match="not a valid archive"):
        read_weights(path, given=given)
    assert not marker.exists()


@pytest.mark.parametrize("name", single_release_files.WITHOUT_TORCH)
def test_pickles_in_the_place_of_releases(tmp_path, name):
    marker = tmp_path / "marker"
    path, _ = single_release_files.WITHOUT_TORCH[name](tmp_path)
    path.unlink()
    path.write_bytes(pickle.dumps(Payload(marker)))
    for format in (None, name):
        with deadline(), pytest.raises(ValueError, match=path.name):
            read_weights(path, format=format)
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
    with deadline(), pytest.raises(ValueError, match=r"9.pt: not a valid archive"):
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
    with pytest.raises(ValueError, match="9.pt: no known .*it holds <NoneType>, <tuple>"):
        read_weights(path)


@pytest.mark.parametrize("name", ["saelens", "sparsify"])
@pytest.mark.parametrize("is_config", [False, True])
def test_pickles_in_the_place_of_safetensors_and_json(tmp_path, name, is_config):
    marker = tmp_path / "marker"
    getattr(files, name)(tmp_path)
    (weight_file,) = tmp_path.glob("*.safetensors")
    path = tmp_path / "cfg.json" if is_config else weight_file
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        path.unlink()
        path.write_bytes(pickle.dumps(Payload(marker), protocol=protocol))
        with deadline(), pytest.raises(ValueError, match=path.name):
            read_weights(tmp_path)
    assert not marker.exists()
