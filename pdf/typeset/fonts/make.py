#!/usr/bin/python3
"""Writes the fonts of this folder and list.txt anew.

    make.py SOURCES      SOURCES is an unpacked @expo-google-fonts/noto-sans-sc

Wants the Debian packages fonts-noto-core, python3-fonttools, unicode-data. What
is done to a font: hinting goes (readers of a PDF do not use it), glyph names
go; all glyphs and all layout features stay. Of the Chinese font only the
characters of three lists stay: GB 2312, the Table of General Standard Chinese
Characters of 2013 (names in papers of the People's Republic are written with
it), and the International Ideographs Core (what Taiwan, Hong Kong, Macao and
Singapore use too).
"""
import bz2, glob, gzip, hashlib, io, os, subprocess, sys
from fontTools import subset
from fontTools.ttLib import TTFont

NOTO = "/usr/share/fonts/truetype/noto/"
FAMILIES = """NotoSans NotoNaskhArabic NotoNastaliqUrdu NotoSansDevanagari NotoSansBengali NotoSansGurmukhi
    NotoSansTamil NotoSansSinhala NotoSansMyanmar NotoSansKhmer NotoSansThai NotoSansLao NotoSansEthiopic""".split()
HERE = os.path.dirname(os.path.abspath(__file__))


def wanted():
    """The characters of the Chinese font."""
    chars = set(range(0x20, 0x7F)) | set(range(0xA0, 0x100))
    chars |= set(range(0x2010, 0x2040)) | set(range(0x3000, 0x3030)) | set(range(0xFF01, 0xFF60))
    for path in glob.glob("/usr/share/unicode/Unihan_*.txt.bz2"):
        for line in bz2.open(path, "rt", encoding="utf-8"):
            part = line.rstrip("\n").split("\t")
            if part[0].startswith("U+") and part[1] in ("kGB0", "kTGH", "kIICore"):
                chars.add(int(part[0][2:], 16))
    for byte in range(0xA1, 0xAA):  # the signs of GB 2312
        for second in range(0xA1, 0xFF):
            try:
                chars.add(ord(bytes([byte, second]).decode("gb2312")))
            except UnicodeDecodeError:
                pass
    return chars


def cut(source, name, unicodes):
    options = subset.Options()
    options.hinting = False
    options.layout_features = ["*"]
    options.name_IDs = ["*"]
    options.notdef_outline = True
    options.recalc_timestamp = False
    options.drop_tables += ["DSIG", "meta", "STAT", "BASE", "vhea", "vmtx", "VORG"]
    font = subset.load_font(source, options)
    cutter = subset.Subsetter(options)
    if unicodes is None:
        cutter.populate(glyphs=font.getGlyphOrder(), unicodes=font.getBestCmap())
    else:
        cutter.populate(unicodes=unicodes)
    cutter.subset(font)
    font["post"].formatType = 3.0
    data = io.BytesIO()
    subset.save_font(font, data, options)
    raw = data.getvalue()
    with open(os.path.join(HERE, name + ".ttf.gz"), "wb") as f:
        f.write(gzip.compress(raw, 9, mtime=0))
    version = font["name"].getDebugName(5).split(";")[0].replace("Version ", "")
    return raw, version


def digest(b):
    return hashlib.sha256(b).hexdigest()


def main(chinese):
    debian = subprocess.check_output(["dpkg-query", "-W", "-f", "${Version}", "fonts-noto-core"], text=True)
    sources = [(f + "-" + w, NOTO + f + "-" + w + ".ttf", "fonts-noto-core " + debian, None) for f in FAMILIES for w in ("Regular", "Bold")]
    sources.append(("NotoSansSC-Regular", os.path.join(chinese, "400Regular/NotoSansSC_400Regular.ttf"), "@expo-google-fonts/noto-sans-sc 0.4.3", wanted()))
    with open(os.path.join(HERE, "list.txt"), "w") as out:
        out.write("# file | SHA-256 of the font inside | package | version of the font | SHA-256 of the unchanged font\n")
        for name, path, package, unicodes in sources:
            raw, version = cut(path, name, unicodes)
            original = digest(open(path, "rb").read())
            out.write(" | ".join([name + ".ttf.gz", digest(raw), package, version, original]) + "\n")
            print(name, len(raw), os.path.getsize(os.path.join(HERE, name + ".ttf.gz")))


main(sys.argv[1])
