#!/usr/bin/python3
"""Writes the word lists of this folder anew from the dictionaries of ICU.

    make.py DATA      DATA is icudt72l.dat, cut out of Debian's libicu-dev with
                      ar x /usr/lib/x86_64-linux-gnu/libicudata.a
                      objcopy -O binary --only-section=.rodata icudt72l_dat.o icudt72l.dat

Wants the Debian package icu-devtools. The dictionaries are tries of bytes
(common/unicode/bytestrie.h of ICU 72); a word list packs better.
"""
import gzip, hashlib, os, struct, subprocess, sys, tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


class Trie:
    def __init__(self, data):
        header, = struct.unpack_from("<H", data, 0)
        indexes = struct.unpack_from("<8i", data, header)
        self.t = data[header + indexes[0]:header + indexes[3]]
        assert indexes[4] & 7 == 0, "no trie of bytes"
        self.first = indexes[5] & 0x1FFFFF
        self.words = []

    def char(self, b):
        return {0xFF: "\u200d", 0xFE: "\u200c"}.get(b) or chr(self.first + b)

    def value(self, pos, lead):
        """The value and where it ends; pos is behind the lead byte."""
        lead >>= 1
        if lead < 0x51:
            return lead - 0x10, pos
        if lead < 0x6C:
            return (lead - 0x51) << 8 | self.t[pos], pos + 1
        if lead < 0x7E:
            return (lead - 0x6C) << 16 | self.t[pos] << 8 | self.t[pos + 1], pos + 2
        if lead == 0x7E:
            return int.from_bytes(self.t[pos:pos + 3], "big"), pos + 3
        return int.from_bytes(self.t[pos:pos + 4], "big"), pos + 4

    def delta(self, pos):
        d = self.t[pos]
        pos += 1
        if d < 0xC0:
            return d, pos
        if d < 0xF0:
            return (d - 0xC0) << 8 | self.t[pos], pos + 1
        if d < 0xFE:
            return (d - 0xF0) << 16 | self.t[pos] << 8 | self.t[pos + 1], pos + 2
        n = 3 if d == 0xFE else 4
        return int.from_bytes(self.t[pos:pos + n], "big"), pos + n

    def walk(self, pos=0, prefix=""):
        while True:
            lead = self.t[pos]
            pos += 1
            if lead < 0x10:
                if lead == 0:
                    lead = self.t[pos]
                    pos += 1
                return self.branch(pos, lead + 1, prefix)
            if lead < 0x20:
                n = lead - 0x10 + 1
                prefix += "".join(map(self.char, self.t[pos:pos + n]))
                pos += n
                continue
            self.words.append(prefix)
            _, pos = self.value(pos, lead)
            if lead & 1:
                return

    def branch(self, pos, length, prefix):
        while length > 5:
            pos += 1
            jump, pos = self.delta(pos)
            self.branch(pos + jump, length >> 1, prefix)
            length -= length >> 1
        for _ in range(length - 1):
            c, lead = self.t[pos], self.t[pos + 1]
            v, pos = self.value(pos + 2, lead)
            if lead & 1:
                self.words.append(prefix + self.char(c))
            else:
                self.walk(pos + v, prefix + self.char(c))
        self.walk(pos + 1, prefix + self.char(self.t[pos]))


def main(data):
    work = tempfile.mkdtemp()
    subprocess.check_call(["/usr/sbin/icupkg", "-x", "brkitr/*.dict", "-d", work, data])
    listed = open(os.path.join(HERE, "list.txt"), "w")
    listed.write("# file | SHA-256 of the words inside | words\n")
    for name in ("thai", "lao", "khmer", "burmese"):
        trie = Trie(open(os.path.join(work, "brkitr", name + "dict.dict"), "rb").read())
        trie.walk()
        words = sorted(set(trie.words))
        raw = "".join(w + "\n" for w in words).encode()
        with open(os.path.join(HERE, name + ".txt.gz"), "wb") as f:
            f.write(gzip.compress(raw, 9, mtime=0))
        listed.write("%s.txt.gz | %s | %d\n" % (name, hashlib.sha256(raw).hexdigest(), len(words)))
        print(name, len(words), os.path.getsize(os.path.join(HERE, name + ".txt.gz")))


main(sys.argv[1])
