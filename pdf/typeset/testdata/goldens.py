#!/usr/bin/python3
"""Writes what HarfBuzz makes of names in each language, for TestHarfBuzz.

    goldens.py CLDR OUT [EACH]

CLDR is an unpacked npm package cldr-localenames-full (48.2.0), OUT the file to
write, EACH how many names per language (all of them without it). Wants
hb-shape of the Debian package libharfbuzz-bin. The committed file was made with
EACH = 24; with all names it is some 31,000 strings:

    npm pack cldr-localenames-full@48.2.0 && tar xzf cldr-localenames-full-48.2.0.tgz
    goldens.py package all.tsv.gz
    go test ./pdf/typeset -run TestHarfBuzz -goldens $PWD/all.tsv.gz
"""
import gzip, json, os, subprocess, sys, tempfile, unicodedata

HERE = os.path.dirname(os.path.abspath(__file__))
FONTS = os.path.join(HERE, "..", "fonts")
FONT = {"Arab": ["NotoNaskhArabic"], "Deva": ["NotoSansDevanagari"], "Beng": ["NotoSansBengali"], "Guru": ["NotoSansGurmukhi"],
        "Taml": ["NotoSansTamil"], "Sinh": ["NotoSansSinhala"], "Mymr": ["NotoSansMyanmar"], "Khmr": ["NotoSansKhmer"],
        "Thai": ["NotoSansThai"], "Laoo": ["NotoSansLao"], "Ethi": ["NotoSansEthiopic"], "Hani": ["NotoSansSC"]}
MORE = [("ckb", "rtl", "Arab", ""), ("tr", "ltr", "Latn", ""), ("sq", "ltr", "Latn", ""), ("bg", "ltr", "Cyrl", ""), ("el", "ltr", "Grek", "")]


def names(cldr, lang):
    found = set()
    for part in ("territories", "languages"):
        path = os.path.join(cldr, "main", {"tl": "fil"}.get(lang, lang), part + ".json")
        main = json.load(open(path, encoding="utf-8"))["main"]
        for local in main.values():
            found |= set(local["localeDisplayNames"][part].values())
    return sorted(found)


def main(cldr, out, each=None):
    rows = [tuple(l.rstrip("\n").split("\t")) for l in open(os.path.join(HERE, "languages.tsv"), encoding="utf-8")] + MORE
    total, work = 0, tempfile.mkdtemp()
    with gzip.GzipFile(out, "wb", 9, mtime=0) as f:
        for lang, direction, script, text in rows:
            words = names(cldr, lang)
            if each:
                words = words[::max(1, len(words) // int(each))]
            words = [unicodedata.normalize("NFC", w) for w in text.split() + words]
            fonts = FONT.get(script, ["NotoSans"]) + (["NotoNastaliqUrdu"] if lang == "ur" else [])
            for font in fonts:
                ttf, lines = os.path.join(work, font + ".ttf"), os.path.join(work, "lines")
                open(ttf, "wb").write(gzip.open(os.path.join(FONTS, font + "-Regular.ttf.gz")).read())
                open(lines, "w", encoding="utf-8").write("".join(w + "\n" for w in words))
                shaped = subprocess.check_output(["hb-shape", "--no-glyph-names", "--language=" + lang, "--script=" + script,
                                                  "--direction=" + direction, "--text-file=" + lines, ttf], text=True)
                for word, glyphs in zip(words, shaped.splitlines(), strict=True):
                    f.write(("\t".join([font + "-Regular", lang, script, direction, word, glyphs]) + "\n").encode())
                    total += 1
    print(total, "strings,", os.path.getsize(out), "bytes")


main(*sys.argv[1:])
