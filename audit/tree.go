package audit

import (
	"errors"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is a node of the tree.
type Hash = tlog.Hash

// Hashes reads stored nodes by their index (tlog.StoredHashIndex).
type Hashes = tlog.HashReader

// HashesOf makes a Hashes of a function.
type HashesOf = tlog.HashReaderFunc

// Node is a node as it is stored.
type Node struct {
	Index int64
	Hash  Hash
}

// Tree is a tree that grows: its size and the roots of its largest whole
// subtrees, one for each bit of the size. That is all that adding a leaf and
// working out the head need, so neither reads from the store.
type Tree struct {
	size  int64
	peaks [64]Hash // by level
}

// LoadTree reads the peaks of a tree of that size.
func LoadTree(size int64, from Hashes) (*Tree, error) {
	if size < 0 {
		return nil, errors.New("audit: a tree of less than nothing")
	}
	t := &Tree{size: size}
	var levels []int
	var indexes []int64
	for level := range 63 {
		if size>>level&1 == 1 {
			levels = append(levels, level)
			indexes = append(indexes, tlog.StoredHashIndex(level, size>>level-1))
		}
	}
	if len(indexes) == 0 {
		return t, nil
	}
	hashes, err := from.ReadHashes(indexes)
	if err != nil {
		return nil, fmt.Errorf("reading the peaks of the audit log: %w", err)
	}
	if len(hashes) != len(indexes) {
		return nil, errors.New("audit: the store gave another number of hashes than were asked for")
	}
	for i, level := range levels {
		t.peaks[level] = hashes[i]
	}
	return t, nil
}

// Clone is a copy that grows by itself.
func (t *Tree) Clone() *Tree {
	c := *t
	return &c
}

// Size is the number of leaves.
func (t *Tree) Size() int64 { return t.size }

// ReadHashes gives the peaks (Hashes).
func (t *Tree) ReadHashes(indexes []int64) ([]Hash, error) {
	out := make([]Hash, len(indexes))
	for i, index := range indexes {
		level, n := tlog.SplitStoredHashIndex(index)
		if t.size>>level&1 == 0 || n != t.size>>level-1 {
			return nil, fmt.Errorf("audit: node %d is no peak", index)
		}
		out[i] = t.peaks[level]
	}
	return out, nil
}

// Append adds a leaf and returns its number, from 1, and the nodes to store.
func (t *Tree) Append(c Commitment) (seq int64, nodes []Node, err error) {
	hashes, err := tlog.StoredHashes(t.size, c[:], t)
	if err != nil {
		return 0, nil, fmt.Errorf("adding to the audit log: %w", err)
	}
	first := tlog.StoredHashIndex(0, t.size)
	nodes = make([]Node, len(hashes))
	for i, h := range hashes {
		nodes[i] = Node{Index: first + int64(i), Hash: h}
	}
	t.peaks[bits.TrailingZeros64(uint64(t.size+1))] = hashes[len(hashes)-1]
	t.size++
	return t.size, nodes, nil
}

// Root is the head of the tree: of an empty one that of RFC 6962, the hash of
// nothing.
func (t *Tree) Root() (Hash, error) { return RootAt(t.size, t) }

// RootAt is the head of the first size leaves.
func RootAt(size int64, from Hashes) (Hash, error) { return tlog.TreeHash(size, from) }

// ParseHash reads a hash as it is written: base64.
func ParseHash(s string) (Hash, error) { return tlog.ParseHash(s) }
