package capsule

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
)

// A file proves itself by a line of its own before its end, a comment to every
// reader of PDF: a version, the number of the paper, four bytes that lead
// whoever knows the hub's key to it and are noise to everybody else, and the
// signature over all of the rest of the file. Two files of one hub have nothing
// in common that a stranger could see.
const (
	proofVersion = 1
	hintBytes    = 4
	proofHead    = 1 + len(Paper{}) + hintBytes
	proofContext = "summary file 1\x00"
)

var proofEnd = []byte("startxref\n")

// Prove signs a PDF: the file with the line. What is no PDF comes back as it is.
func Prove(file []byte, paper Paper, key ed25519.PrivateKey) []byte {
	at := bytes.LastIndex(file, proofEnd)
	public, ok := key.Public().(ed25519.PublicKey)
	if at < 0 || !ok {
		return file
	}
	head := append([]byte{proofVersion}, paper[:]...)
	head = append(head, hint(public, paper)...)
	line := base64.RawStdEncoding.EncodeToString(append(head, ed25519.Sign(key, proofInput(head, file))...))
	return bytes.Join([][]byte{file[:at], []byte("%" + line + "\n"), file[at:]}, nil)
}

func hint(key ed25519.PublicKey, paper Paper) []byte {
	sum := sha256.Sum256(append(append([]byte(proofContext), paper[:]...), key...))
	return sum[:hintBytes]
}

func proofInput(head, file []byte) []byte {
	sum := sha256.Sum256(file)
	return append(append([]byte(proofContext), head...), sum[:]...)
}

// IsFile says whether something is a file of pages and not a picture or text.
func IsFile(b []byte) bool { return bytes.HasPrefix(b, []byte("%PDF-")) }

// JudgeFile says whether one of the keys signed a file, which, and the number
// of its paper.
func JudgeFile(file []byte, trusted []ed25519.PublicKey) (Verdict, ed25519.PublicKey, Paper) {
	var paper Paper
	at := bytes.LastIndex(file, proofEnd)
	if at < 1 || file[at-1] != '\n' {
		return Unknown, nil, paper
	}
	begins := bytes.LastIndexByte(file[:at-1], '\n') + 1
	line, marked := bytes.CutPrefix(file[begins:at-1], []byte("%"))
	proof, err := base64.RawStdEncoding.Strict().DecodeString(string(line))
	if !marked || err != nil || len(proof) != proofHead+ed25519.SignatureSize || proof[0] != proofVersion {
		return Unknown, nil, paper
	}
	head, signature := proof[:proofHead], proof[proofHead:]
	copy(paper[:], head[1:])
	input := proofInput(head, append(bytes.Clone(file[:begins]), file[at:]...))
	verdict := Unknown
	for _, key := range trusted {
		if len(key) != KeyBytes || !bytes.Equal(head[1+len(paper):], hint(key, paper)) {
			continue
		}
		if ed25519.Verify(key, input, signature) {
			return Valid, key, paper
		}
		verdict = Changed
	}
	return verdict, nil, paper
}
