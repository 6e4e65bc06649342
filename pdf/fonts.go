package pdf

import (
	"io/fs"
	"sync"

	"portolan/pdf/typeset"
)

// Fonts are what a summary is set in. The zero pointer stands for those in the
// program.
type Fonts struct {
	set   *typeset.Fonts
	desks sync.Pool // they keep what they have learnt from one summary to the next
}

// desk is where one summary at a time is set.
type desk struct {
	*typeset.Setter
	// settled are the words of the catalogue that were found to be fit to
	// print. What stands in records is never kept.
	settled map[wording]string
}

type wording struct{ lang, text string }

var builtIn = &Fonts{}

// FontsWith returns the fonts in the program and those of a folder, asked for
// what the others do not have: rare Chinese characters, signs. A folder that is
// not there adds none; a file *.ttf that is no font is an error. A font alone
// does not open a script: text in letters of which there is no list of words
// that must not be printed stays refused.
func FontsWith(folder fs.FS) (*Fonts, error) {
	if _, err := fs.Stat(folder, "."); err != nil {
		return nil, nil
	}
	more, err := typeset.BuiltIn().With(folder)
	if err != nil {
		return nil, err
	}
	return &Fonts{set: more}, nil
}

// CanSet says whether a text can be set as it is.
func (f *Fonts) CanSet(text string) bool {
	d, done := f.desk()
	defer done()
	_, err := settle(d.Setter, text, "")
	return err == nil
}

// desk lends a desk; done gives it back.
func (f *Fonts) desk() (d *desk, done func()) {
	if f == nil {
		f = builtIn
	}
	d, ok := f.desks.Get().(*desk)
	if !ok {
		set := f.set
		if set == nil {
			set = typeset.BuiltIn()
		}
		d = &desk{Setter: typeset.NewSetter(set), settled: map[wording]string{}}
	}
	return d, func() {
		d.Forget()
		f.desks.Put(d)
	}
}
