package strip

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"hash/crc32"
	"io"
	"path"
	"slices"
	"strings"
)

// Office files are folders of XML, packed. They are packed anew from the parts
// that are listed; parts that say who wrote the file, when, on which machine
// and with which printer go, and with them what refers to them. Parts that may
// hold anything, as macros, other programs' objects, and pictures other than
// JPEG and PNG, have the file refused.

// Bounds of what is unpacked.
const (
	officeParts    = 4096
	officeUnpacked = 64 << 20
)

// form is one family of office files.
type form struct {
	stays   func(name string) bool // parts that are shown
	goes    func(name string) bool // parts that go
	xml     rules
	refers  string // the ending of parts that name others
	openDoc bool
}

var pictureEndings = []string{".jpg", ".jpeg", ".png"}

// ooxml is .docx and .xlsx (ECMA-376).
var ooxml = form{
	stays: func(name string) bool {
		dir, file := path.Split(name)
		switch {
		case name == "[Content_Types].xml", strings.HasSuffix(name, ".rels"):
			return true
		case dir == "word/":
			return matches(file, "document", "styles", "stylesWithEffects", "settings", "webSettings", "fontTable", "numbering", "footnotes", "endnotes", "header", "footer", "comments")
		case dir == "xl/":
			return matches(file, "workbook", "styles", "sharedStrings", "comments", "metadata")
		}
		return slices.Contains([]string{"word/theme/", "xl/theme/", "xl/worksheets/", "xl/drawings/", "xl/tables/", "word/charts/", "xl/charts/", "xl/comments/"}, dir) && path.Ext(file) == ".xml" ||
			(dir == "word/media/" || dir == "xl/media/") && slices.Contains(pictureEndings, strings.ToLower(path.Ext(file))) || dir == "xl/drawings/" && path.Ext(file) == ".vml"
	},
	goes: func(name string) bool {
		dir, file := path.Split(name)
		return strings.HasPrefix(name, "docProps/") || strings.HasPrefix(name, "docMetadata/") || strings.HasPrefix(name, "customXml/") || dir == "xl/printerSettings/" || dir == "xl/persons/" || dir == "xl/threadedComments/" ||
			dir == "xl/revisions/" || dir == "word/glossary/" || strings.HasPrefix(dir, "word/glossary/") || dir == "_xmlsignatures/" ||
			dir == "word/" && matches(file, "people", "commentsIds", "commentsExtended", "commentsExtensible") || dir == "xl/" && matches(file, "calcChain")
	},
	xml: rules{
		drop: listed("rsids docVars attachedTemplate mailMerge absPath fileSharing fileRecoveryPr revisionPtr documentId docId saveThroughXslt proofErr smartTagType"),
		mute: listed("author"),
		blank: listed("author initials userId providerId dateUtc date userName lastEdited lowestEdited rupBuild lastModifiedBy descr title paraIdParent durableId " +
			"rsidR rsidRDefault rsidRPr rsidP rsidDel rsidSect rsidTr"),
		names:   listed("docPr cNvPr"),
		refers:  listed("Relationship Override"),
		pointer: listed("pageSetup"),
	},
	refers: ".rels",
}

// matches says whether a part's name is one of these, with a number or without.
func matches(file string, names ...string) bool {
	bare, ok := strings.CutSuffix(file, ".xml")
	return ok && slices.Contains(names, strings.TrimRight(bare, "0123456789"))
}

// openDocument is .odt and .ods (ISO/IEC 26300).
var openDocument = form{
	stays: func(name string) bool {
		dir, file := path.Split(name)
		return name == "mimetype" || name == "META-INF/manifest.xml" || slices.Contains([]string{"content.xml", "styles.xml"}, file) && (dir == "" || strings.HasPrefix(dir, "Object ") && strings.Count(dir, "/") == 1) ||
			dir == "Pictures/" && slices.Contains(pictureEndings, strings.ToLower(path.Ext(file)))
	},
	goes: func(name string) bool {
		_, file := path.Split(name)
		return strings.HasPrefix(name, "Thumbnails/") || strings.HasPrefix(name, "Configurations2/") || strings.HasPrefix(name, "ObjectReplacements/") || strings.HasPrefix(name, "META-INF/documentsignatures") ||
			slices.Contains([]string{"meta.xml", "settings.xml", "layout-cache", "manifest.rdf"}, file)
	},
	xml: rules{
		drop: listed("meta settings encryption-data"),
		mute: listed("dc:creator dc:date meta:creator-initials loext:sender-initials svg:title svg:desc"),
		spaces: map[string]string{"http://purl.org/dc/elements/1.1/": "dc", "urn:oasis:names:tc:opendocument:xmlns:meta:1.0": "meta",
			"urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0": "svg", "urn:org:documentfoundation:names:experimental:office:xmlns:loext:1.0": "loext"},
		blank:  listed("rsid paragraph-rsid"),
		names:  listed("frame g custom-shape"),
		refers: listed("file-entry"),
	},
	refers:  "META-INF/manifest.xml",
	openDoc: true,
}

// office strips an office file.
func office(b []byte, f form, picture Picture) ([]byte, error) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil || len(z.File) > officeParts {
		return nil, errCut
	}
	parts, left := map[string][]byte{}, int64(officeUnpacked)
	var order []string
	for _, p := range z.File {
		name := p.Name
		switch {
		case strings.HasSuffix(name, "/") && p.UncompressedSize64 == 0, f.goes(name):
			continue
		case !f.stays(name):
			return nil, errCodec
		case parts[name] != nil:
			return nil, errTwice
		case p.Flags&1 != 0:
			return nil, errSealed
		}
		body, err := unpacked(p, left)
		if err != nil {
			return nil, err
		}
		left -= int64(len(body))
		parts[name], order = body, append(order, name)
	}
	for name, body := range parts {
		if parts[name], err = f.part(name, body, parts, picture); err != nil {
			return nil, err
		}
	}
	return packed(order, parts)
}

func unpacked(p *zip.File, most int64) ([]byte, error) {
	r, err := p.Open()
	if err != nil {
		return nil, errCodec
	}
	defer r.Close()
	body, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil || int64(len(body)) > most {
		return nil, errCut
	}
	if body == nil {
		body = []byte{}
	}
	return body, nil
}

// part strips one part of an office file.
func (f form) part(name string, body []byte, parts map[string][]byte, picture Picture) ([]byte, error) {
	switch ending := strings.ToLower(path.Ext(name)); {
	case name == "mimetype":
		if len(body) > 128 {
			return nil, errCut
		}
		return body, nil
	case slices.Contains(pictureEndings, ending):
		return picture(body)
	case strings.HasSuffix(name, f.refers) || name == "[Content_Types].xml":
		there := func(target string) bool { return parts[f.target(name, target)] != nil }
		return f.xml.rewrite(body, there)
	}
	return f.xml.rewrite(body, nil)
}

// target is the part that a reference in a part means.
func (f form) target(in, target string) string {
	switch {
	case f.openDoc:
		return target
	case strings.HasPrefix(target, "/"):
		return target[1:]
	}
	dir := path.Dir(path.Dir(in)) // of word/_rels/document.xml.rels: word
	return path.Join(dir, target)
}

// packed packs parts, in the order in which they were: the first of an
// OpenDocument file says its type and is not compressed.
func packed(order []string, parts map[string][]byte) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestCompression) })
	for _, name := range order {
		var w io.Writer
		var err error
		if size := uint64(len(parts[name])); name == "mimetype" {
			w, err = z.CreateRaw(&zip.FileHeader{Name: name, CRC32: crc32.ChecksumIEEE(parts[name]), CompressedSize64: size, UncompressedSize64: size})
		} else {
			w, err = z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
		}
		if err == nil {
			_, err = w.Write(parts[name])
		}
		if err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
