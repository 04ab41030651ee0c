"""Texts whose invisible characters mean something: Unicode's emoji sequences, and words of many scripts."""

# ruff: noqa: RUF001
from __future__ import annotations

from pathlib import Path

EMOJI = [
    "".join(chr(int(code_point, 16)) for code_point in line.split())
    for line in (Path(__file__).parent / "data/emoji_sequences.txt").read_text().splitlines()
    if not line.startswith("#")
]
SCRIPTS = {
    "Arabic": "می\u200cخواهم ه\u200d علی\u200cرضا",
    "Armenian": "Բարև",
    "Bengali": "র\u200d্যাম ক্\u200cষ",
    "Cyrillic": "Привет, Йо",
    "Devanagari": "क्\u200dष र्\u200cय नमस्ते",
    "Ethiopic": "ሰላም",
    "Georgian": "გამარჯობა",
    "Greek": "Ωμέγα",
    "Gujarati": "ક્\u200dષ",
    "Gurmukhi": "ਸਤਿ ਸ੍ਰੀ",
    "Han": "葛\U000e0100城市 李小龍",
    "Hangul": "안녕하세요",
    "Hebrew": "שָׁלוֹם ו\u200cֹ יְרוּשָׁל\u05b7\u034f\u05b4ם",
    "Hiragana and Katakana": "ひらがな カタカナ",
    "Kannada": "ರ\u200d್ಕ",
    "Khmer": "សូម\u200bស្វាគមន៍",
    "Lao": "ສະບາຍ\u200bດີ",
    "Latin": "José Ångström",
    "Malayalam": "അവന്\u200d",
    "Mongolian": "ᠮᠣᠩᠭᠣᠯ\u180e\u1820 ᠠ\u180b",
    "Myanmar": "မင်္ဂလာ\u200bပါ က\ufe00",
    "N'Ko": "ߒߞߏ\u200c",
    "Sinhala": "ශ්\u200dරී ක්\u200dෂ",
    "Syriac": "ܫܠ\u200cܡܐ",
    "Tamil": "க்\u200cஷ",
    "Telugu": "క్\u200cష",
    "Thai": "สวัสดี\u200bครับ",
    "Tibetan": "བོད་སྐད",
}
