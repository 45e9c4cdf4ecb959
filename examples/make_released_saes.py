"""Count which of the released autoencoders that SAELens lists ``load_sae`` reads.

Needs PyYAML and SAELens, or its list alone, here that of version 6.54.12::

    pip download --no-deps sae-lens==6.54.12 && unzip sae_lens-*.whl
    python examples/make_released_saes.py sae_lens/pretrained_saes.yaml released_saes.csv

Every entry is decided by the loader that SAELens has for it, by the names of its repository and
folder, and by what the list says that the files do not: factors and normalisations. No file is
downloaded. That each kind of files is read is a matter of ``tests/sae/test_released_formats.py``.
"""

# Authors: The sksupercode developers
# SPDX-License-Identifier: BSD-3-Clause

import csv
import re
import sys
from collections import defaultdict
from pathlib import Path

COLUMNS = ["format", "loader", "kind", "read", "to pass", "releases", "ids"]
SAE, TRANSCODER, LAYER = "autoencoder", "transcoder", "layer of a cross-layer transcoder"
# The format of load_sae, and what is in its files, by the loader of SAELens.
PLAIN_LOADERS = {
    "connor_rob_hook_z": ("hook_z", SAE),
    "deepseek_r1": ("deepseek_r1", SAE),
    "dictionary_learning_1": ("dictionary_learning", SAE),
    "goodfire": ("goodfire", SAE),
    "llama_scope": ("llama_scope", SAE),
    "llama_scope_r1_distill": ("llama_scope_r1", SAE),
    "mntss_clt_layer_transcoder": ("clt", LAYER),
    "mwhanna_transcoder": ("qwen_transcoder", TRANSCODER),
}
KEPT = "the name of the repository in that of a folder"
GEMMA_SCOPE_2 = re.compile(
    r"(resid_post|mlp_out|attn_out|transcoder)(_all)?/layer_\d+_width_\w+?_l0_[a-z]+"
    r"(_affine|_seed_\d+)?"
)


def decide(loader, repository, overrides, entry):
    """Return the format, what it is, and what has to be passed; no format where it is refused."""
    path = str(entry["path"])
    if loader in PLAIN_LOADERS:
        return *PLAIN_LOADERS[loader], ""
    if loader == "gemma_3" and (match := GEMMA_SCOPE_2.fullmatch(path)):
        kind = TRANSCODER if match[1] == "transcoder" else SAE
        return "gemma_scope_2", kind + " with a skip" * (match[3] == "_affine"), ""
    if loader == "gemma_2":
        return "gemma_scope", SAE, "scale=d**-0.5" if path.startswith("embedding/") else ""
    if loader == "gemma_2_transcoder":
        return "gemma_scope", TRANSCODER, f"transcoder=True, or {KEPT}"
    if loader == "qwen_scope":
        return "qwen_scope", SAE, f"k=, or {KEPT}"
    if loader == "sae_lens":
        if "normalize_activations" in overrides:
            return "saelens", SAE, f'normalization="{overrides["normalize_activations"]}"'
        return "saelens", SAE, "scale=" if "norm_scaling_factor" in entry else ""
    return "", f"{loader} autoencoder", ""


def count(listed):
    """Return one row for each format, loader, kind and what to pass, and one row of sums."""
    groups = defaultdict(list)
    for release, about in listed.items():
        loader = about.get("conversion_func") or "sae_lens"
        overrides = about.get("config_overrides") or {}
        for entry in about["saes"]:
            name, kind, passed = decide(loader, about["repo_id"], overrides, entry)
            groups[name, loader, kind, "yes" if name else "no", passed].append(release)
    rows = [(*group, len(set(found)), len(found)) for group, found in groups.items()]
    rows.sort(key=lambda row: (row[3] == "no", -row[-1], row))
    n_ids = sum(row[-1] for row in rows)
    n_read = sum(row[-1] for row in rows if row[3] == "yes")
    return [*rows, ("", "", "all", f"{n_read / n_ids:.2%}", "", len(listed), n_ids)]


def main(source, destination):
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    rows = count(yaml.load(Path(source).read_text(encoding="utf-8"), loader))
    with open(destination, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(f"usage: python {Path(__file__).name} PRETRAINED_SAES_YAML CSV")
    main(*sys.argv[1:])
