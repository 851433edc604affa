"""Two languages, both whole."""

from __future__ import annotations

import re

from tests.e2e.web.board import WEB, words

JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
AVOIDED = (
    "エージェント",
    "インシデント",
    "加害者",
    "ブラックリスト",
    "匿名ID",
    "仮名加工情報",
    "却下",
    "この人",
)


def test_catalogues_have_the_same_keys_and_parameters():
    ja, en = words("ja"), words("en")
    assert len(ja) > 400
    assert list(ja) == list(en)
    for key, text in ja.items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", en[key])), key


def test_each_language_is_itself():
    same_in_both = {"¥"}
    for key, text in words("en").items():
        assert not JAPANESE.search(text), (key, text)
        assert text.strip() == text and text, key
    plain = [text for text in words("ja").values() if not JAPANESE.search(text)]
    assert set(plain) - same_in_both <= {"メール", "SNS", "—"}, plain


def test_terms_that_are_not_ours_are_nowhere():
    for path in WEB.glob("src/**/*.ts*"):
        text = path.read_text()
        for term in AVOIDED:
            assert term not in text, (path.name, term)


def test_every_key_is_used():
    """A word nobody shows is a word nobody checks."""
    source = "\n".join(
        path.read_text() for path in WEB.glob("src/**/*.ts*") if path.parent.name != "words"
    )
    prefixes = set(re.findall(r"t\(\s*`([a-z]+\.)\$\{", source))
    prefixes |= {f"{name}." for name in re.findall(r'tCode\(\s*"([a-z]+)"', source)}
    prefixes |= {"verdict.", "answer.", "element.", "stats.", "proposal.", "standing."}
    unused = [
        key
        for key in words("ja")
        if f'"{key}"' not in source and not any(key.startswith(prefix) for prefix in prefixes)
    ]
    assert unused == []
