// Package strip takes out of a file what it says besides what is seen, heard
// and read in it: where it was recorded, when, by which device, by whom (R23).
// Each kind of file is taken apart by what is known to be needed to show it,
// and the rest goes: what nobody listed is taken out, and where a file cannot
// be read to its end, or something stands in it that might not be taken out
// with certainty, it is refused. What is coded in picture and sound themselves
// is not opened, but for the messages that encoders put between the pictures of
// a film.
//
// A file is in memory whole. The same bytes give the same bytes.
package strip

import (
	"errors"

	"portolan/care"
)

// Types that are stripped.
const (
	PDF  = "application/pdf"
	DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	ODT  = "application/vnd.oasis.opendocument.text"
	ODS  = "application/vnd.oasis.opendocument.spreadsheet"
	Ogg  = "audio/ogg"
	MP3  = "audio/mpeg"
	M4A  = "audio/mp4"
	MP4  = "video/mp4"
	WebM = "video/webm"
)

// Refused is the answer about a file that cannot be stripped with certainty.
// Its cause names the place in the format, never anything of the content.
var Refused = &care.Error{Code: "document_unclean", Kind: care.Unprocessed,
	Hint: "The hub cannot take out of this file with certainty what it says besides its content: a place, a time, names, a device. It was not kept, and is still where it came from. Save it anew in a plain form (PDF, MP4, photographs) and attach that; or, where every byte matters, attach it to a document of the part evidence, where files are kept as they are."}

// Picture writes a picture anew with nothing but its pixels, in the type that
// it has.
type Picture func([]byte) ([]byte, error)

// File gives the file in b, of one of the types above, without what it says
// besides its content; Refused where that is not certain. b is overwritten.
func File(mime string, b []byte, picture Picture) (bare []byte, err error) {
	switch mime {
	case PDF:
		bare, err = pdfFile(b)
	case DOCX, XLSX:
		bare, err = office(b, ooxml, picture)
	case ODT, ODS:
		bare, err = office(b, openDocument, picture)
	case Ogg:
		bare, err = ogg(b)
	case MP3:
		bare, err = mp3(b)
	case M4A, MP4:
		bare, err = b, mp4(b)
	case WebM:
		bare, err = b, webm(b)
	default:
		err = errors.New("no such type")
	}
	if err != nil {
		e := *Refused
		e.Err = err
		return nil, &e
	}
	return bare, nil
}

// What is wrong with a file, said without anything of it.
var (
	errCut     = errors.New("it ends before its end, or is not what it says")
	errTwice   = errors.New("a part stands twice")
	errCodec   = errors.New("a codec, or way to store it, that is not known")
	errSealed  = errors.New("it is encrypted or signed")
	errOutside = errors.New("it says that its content lies elsewhere")
)

// blank overwrites what is taken out.
func blank(b []byte) { clear(b) }
