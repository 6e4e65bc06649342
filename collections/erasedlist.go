package collections

import (
	"slices"

	"portolan/care"
	fieldsync "portolan/sync"
)

// ErasedPath is the list of erased cases (linelist.go): a copy of the data
// from before an erasure must not bring anybody back.
const ErasedPath = "erased.list"

// ErasedCase is one line of the list: a case that was erased, or a part of one.
type ErasedCase struct {
	Case string           `json:"case"`
	Part care.Compartment `json:"part,omitempty"` // "" where all of it was
	Org  string           `json:"org"`
	At   string           `json:"at"`            // when it was decided
	Why  string           `json:"why,omitempty"` // one of care.ApprovalReasons
}

// same says whether two lines are about one erasure. A case is erased once; a
// part of it may be again, where something was entered in it since.
func (e ErasedCase) same(o ErasedCase) bool {
	return e.Case == o.Case && e.Part == o.Part && (e.Part == "" || e.At == o.At)
}

// ErrErasedList says that the list cannot be trusted.
var ErrErasedList = &care.Error{Code: "erased_list_damaged", Kind: care.Damaged,
	Hint: "The list of erased cases is damaged. Put the copy back that lies beside the backups; without it somebody who was erased could come back."}

// ReadErased reads a list; none is as good as an empty one.
func ReadErased(path string) ([]ErasedCase, error) {
	return readLines(path, func(e ErasedCase) bool {
		return fieldsync.IsID(e.Case) && (e.Part == "" || care.EndsAlone(e.Part))
	}, ErrErasedList)
}

// AddErased adds to a list, durably, those of the cases that it does not have.
func AddErased(path string, cases ...ErasedCase) error {
	list, err := ReadErased(path)
	if err != nil {
		return err
	}
	for _, e := range cases {
		if !slices.ContainsFunc(list, e.same) {
			list = append(list, e)
		}
	}
	return writeLines(path, list)
}
