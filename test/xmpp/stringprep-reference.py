"""Nodeprep and nameprep on Python's `stringprep` module: the reference for test/xmpp/nodeprep.test.ts.

`points` reads a JSON list of code points and prints, for each that a profile changes or refuses when it stands
alone, "profile point result" in hex.
`strings` reads a JSON list of strings and prints for each [nodeprep, nameprep], null where it is refused.
"""
import itertools
import json
import stringprep
import sys
from unicodedata import ucd_3_2_0

# Python folds by str.lower(), which knows today's Unicode. RFC 3454's table B.3 is that of Unicode 3.2: a pair whose
# lower case came later is not in it.
fold_today = stringprep.map_table_b3


def fold(character):
    folded = fold_today(character)
    late = any(stringprep.in_table_a1(part) for part in character + folded)
    return character if late else folded


stringprep.map_table_b3 = fold

BOTH = [stringprep.in_table_c12, stringprep.in_table_c22, stringprep.in_table_c3, stringprep.in_table_c4,
        stringprep.in_table_c5, stringprep.in_table_c6, stringprep.in_table_c7, stringprep.in_table_c8,
        stringprep.in_table_c9]
# Nameprep itself prohibits no ASCII: what is listed cannot stand in a JID's domain.
PROFILES = {
    "node": BOTH + [stringprep.in_table_c11, stringprep.in_table_c21, lambda c: c in "\"&'/:<>@"],
    "name": BOTH + [stringprep.in_table_c11, stringprep.in_table_c21, lambda c: c in "\"&'/<>@"],
}


def normalise(text):
    """Python orders marks by today's combining classes, and Unicode 3.2 has none for what it does not assign."""
    runs = itertools.groupby(text, stringprep.in_table_a1)
    return "".join("".join(run) if late else ucd_3_2_0.normalize("NFKC", "".join(run)) for late, run in runs)


def prepare(profile, text):
    if profile == "name":
        for dot in "\u3002\uff0e\uff61":
            text = text.replace(dot, ".")
    kept = (c for c in text if not stringprep.in_table_b1(c))
    text = normalise("".join(map(stringprep.map_table_b2, kept)))
    if any(prohibited(c) for c in text for prohibited in PROFILES[profile]):
        return None
    right = [stringprep.in_table_d1(c) for c in text]
    if any(right) and (not right[0] or not right[-1] or any(map(stringprep.in_table_d2, text))):
        return None
    return text


def points():
    for point in json.load(sys.stdin):
        character = chr(point)
        for profile in PROFILES:
            result = prepare(profile, character)
            if result != character:
                print(profile, "%x" % point, "-" if result is None else result.encode().hex() or "empty")


def strings():
    print(json.dumps([[prepare("node", text), prepare("name", text)] for text in json.load(sys.stdin)]))


{"points": points, "strings": strings}[sys.argv[1]]()
