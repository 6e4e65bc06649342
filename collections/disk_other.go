//go:build !linux

package collections

import (
	"errors"
	"math"
	"os"
)

// freeBytes is not known here: a full disk is found when a write fails.
func freeBytes(string) (int64, error) { return math.MaxInt64, nil }

// allocate leaves it to whoever asks to write the bytes.
func allocate(*os.File, int64) error { return errors.ErrUnsupported }

// lacksBehind is never so here: the reserve is all there is.
func lacksBehind(os.FileInfo, int64) bool { return false }

func allocateBehind(*os.File, int64, int64) error { return errors.ErrUnsupported }
