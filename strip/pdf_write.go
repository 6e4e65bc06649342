package strip

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// What of a PDF stays. Of the catalog, pages, annotations, actions and streams
// that is listed; of everything else names and numbers, and of its texts those
// that are read on the page, by whoever has it read aloud, or by the fonts.
// What nothing refers to any more, as earlier states of the file, is not
// written.

func listed(words string) map[pdfName]bool {
	m := map[pdfName]bool{}
	for w := range strings.FieldsSeq(words) {
		m[pdfName(w)] = true
	}
	return m
}

var (
	inCatalog = listed(`Type Version Extensions Pages PageLabels Names Dests ViewerPreferences PageLayout PageMode Outlines AcroForm StructTreeRoot MarkInfo Lang OutputIntents OCProperties`)
	inPage    = listed(`Type Parent Kids Count Resources MediaBox CropBox BleedBox TrimBox ArtBox BoxColorInfo Contents Rotate Group Annots StructParents Tabs UserUnit`)
	inForm    = listed(`Fields NeedAppearances DR DA Q`)
	inStream  = listed(`Filter DecodeParms Type Subtype FormType BBox Matrix Resources Group StructParent StructParents OC Name Width Height ColorSpace BitsPerComponent Intent
		ImageMask Mask Decode Interpolate SMask SMaskInData Matte Length1 Length2 Length3 N Alternate Range Domain FunctionType Size BitsPerSample Encode Order PatternType PaintType TilingType
		XStep YStep ShadingType BitsPerCoordinate BitsPerFlag VerticesPerRow Function Background AntiAlias CMapName CIDSystemInfo WMode UseCMap HalftoneType TransferFunction Xsquare Ysquare`)
	inAnnotation = listed(`Type Subtype Rect Contents P F AP AS Border C StructParent OC A Dest H PA QuadPoints BS BE L LE LL LLE Cap IC InkList Vertices DA Q DS CL RD IT Open Name Popup Parent Kids
		FT Ff V DV MK Opt TU TM MaxLen TI I DR CA Lang`)
	annotations = listed(`Text Link FreeText Line Square Circle Polygon PolyLine Highlight Underline Squiggly StrikeOut Stamp Caret Ink Popup Widget`)
	actions     = listed(`GoTo URI Named`)
	inAction    = listed(`Type S D URI N`)

	// never stands for nothing that is shown.
	never = listed(`Metadata PieceInfo LastModified Thumb AF EF JS JavaScript AA OPI CreatorInfo CreationDate ModDate M NM Author Creator Producer Keywords Subject OpenAction XFA PTEX.FileName PTEX.InfoDict`)
	// texts are read by somebody.
	texts = listed(`Title Contents Alt ActualText E Lang T TU TM V DV DA DS CA RC AC URI Dest D Dests Names Limits Name Registry Ordering FontFamily CharSet Panose Opt ID P
		ColorSpace ColorSpace* CS Info OutputCondition OutputConditionIdentifier RegistryName BaseState`)
	// streams hold what is shown, or how.
	streams = listed(`Contents FontFile FontFile2 FontFile3 ToUnicode CIDToGIDMap CIDSet Encoding UseCMap CharProcs* XObject* Pattern* Shading* ColorSpace ColorSpace* CS SMask Mask Function Functions
		DestOutputProfile AP* AP** TR TR2 BG BG2 UCR UCR2 HT G Alternate`)
	// maps have keys that are names which somebody gave.
	maps = listed(`CharProcs XObject Pattern Shading ColorSpace Font ExtGState Properties Dests Colorants RoleMap ClassMap AP AP*`)
)

// writer writes anew what stays of a document.
type writer struct {
	d       *document
	out     bytes.Buffer
	numbers map[pdfRef]int
	waiting []waitingObject
	deep    int
}

// waitingObject is an object that something refers to, and as what.
type waitingObject struct {
	ref pdfRef
	key pdfName
}

// pdfFile strips a PDF.
func pdfFile(b []byte) ([]byte, error) {
	d, err := readPDF(b)
	if err != nil {
		return nil, err
	}
	root, ok := d.trailer.get("Root").(pdfRef)
	if !ok {
		return nil, errCut
	}
	w := &writer{d: d, numbers: map[pdfRef]int{}}
	w.out.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	w.refer(root, "Root")
	var at []int
	for i := 0; i < len(w.waiting); i++ {
		one := w.waiting[i]
		v, err := d.resolved(one.ref)
		if err != nil {
			return nil, err
		}
		if dict, ok := v.(pdfDict); i == 0 && (!ok || dict.get("Pages") == nil) {
			return nil, errCut
		}
		at = append(at, w.out.Len())
		fmt.Fprintf(&w.out, "%d 0 obj\n", i+1)
		if err := w.object(v, one.key); err != nil {
			return nil, err
		}
		w.out.WriteString("\nendobj\n")
	}
	table := w.out.Len()
	fmt.Fprintf(&w.out, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, n := range at {
		fmt.Fprintf(&w.out, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&w.out, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, table)
	return w.out.Bytes(), nil
}

// refer writes a reference to an object, which is written later.
func (w *writer) refer(r pdfRef, key pdfName) {
	n, known := w.numbers[r]
	if !known {
		w.waiting = append(w.waiting, waitingObject{r, key})
		n = len(w.waiting)
		w.numbers[r] = n
	}
	if key != "Root" {
		fmt.Fprintf(&w.out, "%d 0 R", n)
	}
}

// object writes what stays of an object that stands under a key.
func (w *writer) object(v any, key pdfName) error {
	if w.deep++; w.deep > 2*pdfDeep {
		return errCut
	}
	defer func() { w.deep-- }()
	switch v := v.(type) {
	case nil:
		w.out.WriteString("null")
	case pdfRaw:
		w.out.WriteString(string(v))
	case pdfName:
		w.name(v)
	case pdfText:
		if !texts[key] {
			v = nil
		}
		fmt.Fprintf(&w.out, "<%x>", []byte(v))
	case pdfRef:
		w.refer(v, key)
	case pdfList:
		w.out.WriteByte('[')
		for i, one := range v {
			if i > 0 {
				w.out.WriteByte(' ')
			}
			if err := w.object(one, key); err != nil {
				return err
			}
		}
		w.out.WriteByte(']')
	case pdfDict:
		return w.dict(v, key)
	case pdfStream:
		return w.stream(v, key)
	}
	return nil
}

// name writes a name (7.3.5).
func (w *writer) name(n pdfName) {
	w.out.WriteByte('/')
	for _, c := range []byte(n) {
		if c <= ' ' || c > '~' || c == '#' || pdfDelimiter(c) {
			fmt.Fprintf(&w.out, "#%02x", c)
		} else {
			w.out.WriteByte(c)
		}
	}
}

// dict writes what stays of a dictionary.
func (w *writer) dict(d pdfDict, key pdfName) error {
	if d.get("ByteRange") != nil { // a signature, which would be broken
		return errSealed
	}
	if key == "AcroForm" && d.get("XFA") != nil { // a form within the form, which the pages do not show
		return errCodec
	}
	as := kept(d, key)
	if as == nil {
		w.out.WriteString("null")
		return nil
	}
	return w.entries(d, as)
}

// kept says which entries stay of a dictionary that stands under a key, and as
// what each counts; nil where none of it stays.
func kept(d pdfDict, key pdfName) func(pdfName) (pdfName, bool) {
	kind, _ := d.get("Type").(pdfName)
	subtype, _ := d.get("Subtype").(pdfName)
	action, _ := d.get("S").(pdfName)
	of := func(list map[pdfName]bool) func(pdfName) (pdfName, bool) {
		return func(k pdfName) (pdfName, bool) { return k, list[k] }
	}
	switch {
	case key == "Root":
		return func(k pdfName) (pdfName, bool) {
			if k == "Names" {
				return "NameTrees", true
			}
			return k, inCatalog[k]
		}
	case key == "NameTrees":
		return func(k pdfName) (pdfName, bool) { return "NameTree", k == "Dests" }
	case key == "NameTree":
		return func(k pdfName) (pdfName, bool) {
			if k == "Kids" {
				return key, true
			}
			return k, k == "Limits" || k == "Names"
		}
	case kind == "Page" || kind == "Pages":
		return of(inPage)
	case key == "AcroForm":
		return of(inForm)
	case kind == "Annot" || d.get("Rect") != nil && subtype != "":
		if !annotations[subtype] {
			return nil
		}
		return func(k pdfName) (pdfName, bool) { return k, inAnnotation[k] || k == "T" && subtype == "Widget" }
	case action != "" && (kind == "Action" || key == "A" || key == "PA" || key == "Next"):
		if !actions[action] {
			return nil
		}
		return of(inAction)
	case maps[key] && kind == "":
		return func(k pdfName) (pdfName, bool) { return key + "*", true }
	}
	return func(k pdfName) (pdfName, bool) { return k, !never[k] && !strings.ContainsAny(string(k), ".:_") }
}

// entries writes the entries of a dictionary that stay, each under what it
// counts as.
func (w *writer) entries(d pdfDict, as func(pdfName) (pdfName, bool)) error {
	w.out.WriteString("<<")
	for _, e := range d {
		key, keeps := as(e.key)
		if _, text := e.value.(pdfText); !keeps || text && !texts[key] {
			continue
		}
		w.name(e.key)
		w.out.WriteByte(' ')
		if err := w.object(e.value, key); err != nil {
			return err
		}
	}
	w.out.WriteString(">>")
	return nil
}

// stream writes what stays of a stream: nothing, where it does not stand where
// something is shown by it.
func (w *writer) stream(s pdfStream, key pdfName) error {
	if !streams[key] {
		w.out.WriteString("null")
		return nil
	}
	if s.dict.get("F") != nil || s.dict.get("FFilter") != nil {
		return errOutside
	}
	names, err := w.d.filters(s)
	if err != nil {
		return err
	}
	dict, body := s.dict, s.body
	switch at := slices.Index(names, "DCTDecode"); {
	case slices.Contains(names, "Crypt") || slices.Contains(names, "JPXDecode"):
		return errCodec
	case at < 0:
	case at == 1 && len(names) == 2 && names[0] == "FlateDecode":
		if body, err = w.d.inflated(body); err != nil {
			return err
		}
		fallthrough
	case at == 0 && len(names) == 1:
		if body, err = jpegPixels(body); err != nil {
			return err
		}
		dict = slices.DeleteFunc(slices.Clone(dict), func(e pdfEntry) bool { return e.key == "Filter" || e.key == "DecodeParms" && len(names) == 2 })
		dict = append(dict, pdfEntry{"Filter", pdfName("DCTDecode")})
	default:
		return errCodec
	}
	err = w.entries(dict, func(k pdfName) (pdfName, bool) { return k, inStream[k] })
	if err != nil {
		return err
	}
	w.out.Truncate(w.out.Len() - len(">>"))
	fmt.Fprintf(&w.out, "/Length %d>>\nstream\n", len(body))
	w.out.Write(body)
	w.out.WriteString("\nendstream")
	return nil
}
