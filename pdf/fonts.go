package pdf

import (
	"io/fs"
	"sync"

	"portolan/pdf/typeset"
)

// Fonts are what a summary is set in. The zero pointer stands for those in the
// program.
type Fonts struct {
	set     *typeset.Fonts
	setters sync.Pool // they keep what they have learnt from one summary to the next
}

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
	setter, done := f.setter()
	defer done()
	_, err := settle(setter, text, "")
	return err == nil
}

// setter lends a setter; done gives it back.
func (f *Fonts) setter() (setter *typeset.Setter, done func()) {
	if f == nil {
		f = builtIn
	}
	setter, ok := f.setters.Get().(*typeset.Setter)
	if !ok {
		set := f.set
		if set == nil {
			set = typeset.BuiltIn()
		}
		setter = typeset.NewSetter(set)
	}
	return setter, func() { f.setters.Put(setter) }
}
