"Tokenizers across processes and on hostile strings: the same file twice, plain Python equal to the library, nothing half saved."
import hashlib
import json
import os
import subprocess
import sys
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from tokenizers import normalizers, pre_tokenizers

from plmnb.corpus import load_text
from plmnb.tokenizer import (
    BYTE_SYMBOLS, SPECIAL_TOKENS, TokenizerError, bert_words, bpe_encode, bpe_merges, byte_words, encode, load_tokenizer, save_tokenizer, train_byte_bpe,
    train_wordpiece, wordpiece_encode)

ROOT = Path(__file__).parents[1]
TEXTS = list(load_text()["test"]["text"])
WORDPIECE, BPE = train_wordpiece(TEXTS, 1500), train_byte_bpe(TEXTS, 1500)
RANKS = {tuple(pair): i for i, pair in enumerate(json.loads(BPE.to_str())["model"]["merges"])}

# characters on which every version of Unicode since 3.2 agrees: the libraries carry tables of different versions
SETTLED = "".join(c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.ucd_3_2_0.category(c) == unicodedata.category(c) not in ("Cn", "Cs"))
LIKELY = "aZ09 .,-'_#[]\t\n\r\0\x7f\x85\xa0\xad éÉßİıſΣσς中文日本ñ½²Ⅷ٣\u0301\u200b\u2028\ufeff\ufffd👍"
TEXT = st.text(st.one_of(st.sampled_from(LIKELY), st.sampled_from(SETTLED)), max_size=40)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)

FILES = """
import json, sys
from plmnb.tokenizer import save_tokenizer, train_byte_bpe, train_wordpiece
texts, folder = json.load(open(sys.argv[1])), sys.argv[2]
save_tokenizer(train_wordpiece(texts, 1500), folder + "/wordpiece", max_len=64)
save_tokenizer(train_byte_bpe(texts, 1500), folder + "/bpe", max_len=64)
"""


def digests(folder):
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


def test_the_same_texts_give_the_same_files_in_every_process(tmp_path):
    (tmp_path / "texts.json").write_text(json.dumps(TEXTS))
    found = []
    for i, (hashes, threads, parallel) in enumerate([("0", "1", "true"), ("1", "2", "true"), ("2", "7", "true"), ("random", "4", "false")]):
        environment = {**os.environ, "PYTHONHASHSEED": hashes, "RAYON_NUM_THREADS": threads, "TOKENIZERS_PARALLELISM": parallel}
        subprocess.run([sys.executable, "-c", FILES, tmp_path / "texts.json", tmp_path / str(i)], env=environment, cwd=ROOT, check=True)
        found.append(digests(tmp_path / str(i)))
    assert len(found[0]) == 4 and all(other == found[0] for other in found)


def test_the_order_of_the_texts_does_not_matter():
    assert train_wordpiece(TEXTS[::-1], 1500).to_str() == WORDPIECE.to_str()
    assert train_byte_bpe(TEXTS[::-1], 1500).to_str() == BPE.to_str()


@pytest.mark.parametrize("part, vocab_size", [(slice(0, 40), 100_000), (slice(40, 200), 3000), (slice(200, None), 700)])
def test_plain_training_learns_the_vocabulary_of_the_library(part, vocab_size):
    "Other texts and sizes than the chapter's; the first until no pair is left."
    texts = TEXTS[part]
    merges = bpe_merges(Counter(w for text in texts for w in byte_words(text)), [*SPECIAL_TOKENS, *sorted(BYTE_SYMBOLS.values())], vocab_size)
    assert merges == [tuple(pair) for pair in json.loads(train_byte_bpe(texts, vocab_size).to_str())["model"]["merges"]]
    counts = Counter(w for text in texts for w in bert_words(text))
    letters = {c for word in counts for c in word} | {"##" + c for word in counts for c in word[1:]}
    alphabet = [*SPECIAL_TOKENS, *sorted(letters, key=lambda piece: (len(piece), piece))]
    pieces = dict.fromkeys([*alphabet, *(a + b.removeprefix("##") for a, b in bpe_merges(counts, alphabet, vocab_size, prefix="##"))])
    assert {piece: i for i, piece in enumerate(pieces)} == train_wordpiece(texts, vocab_size).get_vocab()


@settings(max_examples=300, deadline=None)
@given(TEXT)
def test_plain_words_are_those_of_the_library(text):
    normal = normalizers.BertNormalizer(lowercase=True).normalize_str(text)
    assert bert_words(text) == [word for word, _ in pre_tokenizers.BertPreTokenizer().pre_tokenize_str(normal)]
    assert byte_words(text) == [word for word, _ in pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(text)]


@settings(max_examples=300, deadline=None)
@given(TEXT.filter(lambda text: not any(token in text for token in SPECIAL_TOKENS)))
def test_plain_ids_are_those_of_the_library(text):
    assert wordpiece_encode(text, WORDPIECE.get_vocab()) == encode(WORDPIECE, [text], special=False)[0]
    assert bpe_encode(text, RANKS, BPE.get_vocab()) == encode(BPE, [text])[0]


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT)
def test_bytes_come_back_exactly(text):
    assert BPE.decode(encode(BPE, [text])[0], skip_special_tokens=False) == text


@settings(max_examples=200, deadline=None)
@given(TEXT)
def test_pieces_stand_where_their_offsets_say(text):
    encoding = WORDPIECE.encode(text, add_special_tokens=False)
    for token, (start, end) in zip(encoding.tokens, encoding.offsets):
        if token not in SPECIAL_TOKENS: assert token.removeprefix("##")[0] in "".join(bert_words(text[start:end]))


def full_disk(*args, **kwargs):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("target, name", [(Path, "write_text"), (os, "replace"), (Path, "mkdir")])
def test_a_save_that_fails_leaves_the_old_files(tmp_path, monkeypatch, target, name):
    save_tokenizer(WORDPIECE, tmp_path / "kept", max_len=64)
    before = digests(tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(target, name, full_disk)
        with pytest.raises(TokenizerError, match="No space left"): save_tokenizer(BPE, tmp_path / "kept", max_len=128)
    assert digests(tmp_path) == before
    assert load_tokenizer(tmp_path / "kept").to_str() == WORDPIECE.to_str()


def test_the_module_needs_only_tokenizers():
    loaded = "import sys, plmnb.tokenizer; assert not {'torch', 'transformers', 'datasets', 'numpy', 'matplotlib'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, check=True)
