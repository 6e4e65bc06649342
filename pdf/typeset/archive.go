package typeset

import (
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Meta is what a file says of itself. It has no author, no producer and no
// hour, because a file that somebody carries must not say more than its pages.
type Meta struct {
	Title string
	Lang  string // of the whole, as BCP 47 tag
	Day   time.Time
	// Enclosed is a file inside, nil where there is none.
	Enclosed *Enclosure
}

// Enclosure is what machines read of the same content.
type Enclosure struct {
	Name, Type string // "summary.json", "application/fhir+json"
	Data       []byte
}

// Archive makes a tagged file one that says that it is PDF/A-3a and PDF/UA-1,
// and has what these ask for: metadata, a colour space for its greys, an
// identifier that follows from its content. A file that is not tagged fails.
func (f *File) Archive(m Meta) error {
	if !strings.Contains(f.catalog, "/StructTreeRoot") {
		return errors.New("archiving a PDF: it has no structure")
	}
	packet, err := m.packet(f.lock == nil)
	if err != nil {
		return err
	}
	// Not compressed: whoever looks for metadata reads it without a PDF reader.
	metadata := f.Add(fmt.Sprintf("<</Type/Metadata/Subtype/XML/Length %d>>\nstream\n%s\nendstream", len(packet), packet))
	profile, err := f.AddStream("/N 3", sRGB())
	if err != nil {
		return err
	}
	intent := f.Add(fmt.Sprintf("<</Type/OutputIntent/S/GTS_PDFA1/OutputConditionIdentifier(sRGB)/Info(sRGB)/DestOutputProfile %d 0 R>>", profile))
	// One side of each sheet, so that a page can be torn off without another.
	f.catalog += fmt.Sprintf("/Lang(%s)/ViewerPreferences<</DisplayDocTitle true/Duplex/Simplex>>/Metadata %d 0 R/OutputIntents[%d 0 R]", m.Lang, metadata, intent)
	if m.Enclosed != nil {
		if err := f.enclose(*m.Enclosed); err != nil {
			return err
		}
	}
	f.objects[f.root] = []byte("<</Type/Catalog/Pages 1 0 R" + f.catalog + ">>")
	day := m.Day.UTC().Format("D:20060102150405+00'00'")
	f.objects[f.info] = []byte("<</Title" + textString(m.Title) + "/CreationDate(" + day + ")/ModDate(" + day + ")>>")
	f.identified = true
	return nil
}

// packet is the metadata as XMP (ISO 16684-1). PDF/A wants what is not in its
// own list of schemas described: that of PDF/UA.
func (m Meta) packet(archive bool) (string, error) {
	var title strings.Builder
	if err := xml.EscapeText(&title, []byte(m.Title)); err != nil {
		return "", fmt.Errorf("writing the title of a PDF: %w", err)
	}
	return strings.NewReplacer("{day}", m.Day.UTC().Format("2006-01-02T15:04:05Z"), "{title}", title.String()).Replace(claims(archive)), nil
}

// claims is the packet, without PDF/A in a locked file: it may not be one.
func claims(archive bool) string {
	if archive {
		return xmp
	}
	return strings.Replace(xmp, ` pdfaid:part="3" pdfaid:conformance="A"`, "", 1)
}

// enclose puts a file inside, as one that says the same (ISO 32000-2, 14.13).
func (f *File) enclose(e Enclosure) error {
	stream, err := f.AddStream(fmt.Sprintf("/Type/EmbeddedFile/Subtype/%s/Params<</Size %d>>", nameOf(e.Type), len(e.Data)), e.Data)
	if err != nil {
		return err
	}
	name := textString(e.Name)
	file := f.Add(fmt.Sprintf("<</Type/Filespec/F%s/UF%s/Desc%s/AFRelationship/Alternative/EF<</F %d 0 R/UF %d 0 R>>>>", name, name, name, stream, stream))
	f.catalog += fmt.Sprintf("/AF[%d 0 R]/Names<</EmbeddedFiles<</Names[%s %d 0 R]>>>>", file, name, file)
	return nil
}

// nameOf writes a media type as a name (ISO 32000-1, 7.3.5).
func nameOf(media string) string {
	return strings.NewReplacer("/", "#2F", "+", "#2B").Replace(media)
}

const xmp = `<?xpacket begin="` + "\uFEFF" + `" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" pdfaid:part="3" pdfaid:conformance="A" pdfuaid:part="1" xmp:CreateDate="{day}" xmp:ModifyDate="{day}">
<dc:format>application/pdf</dc:format><dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<pdfaExtension:schemas xmlns:pdfaExtension="http://www.aiim.org/pdfa/ns/extension/" xmlns:pdfaSchema="http://www.aiim.org/pdfa/ns/schema#" xmlns:pdfaProperty="http://www.aiim.org/pdfa/ns/property#"><rdf:Bag><rdf:li rdf:parseType="Resource"><pdfaSchema:schema>PDF/UA</pdfaSchema:schema><pdfaSchema:namespaceURI>http://www.aiim.org/pdfua/ns/id/</pdfaSchema:namespaceURI><pdfaSchema:prefix>pdfuaid</pdfaSchema:prefix><pdfaSchema:property><rdf:Seq><rdf:li rdf:parseType="Resource"><pdfaProperty:name>part</pdfaProperty:name><pdfaProperty:valueType>Integer</pdfaProperty:valueType><pdfaProperty:category>internal</pdfaProperty:category><pdfaProperty:description>Part of ISO 14289</pdfaProperty:description></rdf:li></rdf:Seq></pdfaSchema:property></rdf:li></rdf:Bag></pdfaExtension:schemas>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>`

var (
	kidsOfPages = regexp.MustCompile(`/Kids \[([0-9R ]*)\]`)
	reference   = regexp.MustCompile(`(\d+) 0 R`)
)

// pages are the numbers of the pages' objects, in order.
func (f *File) pages() ([]int, error) {
	kids := kidsOfPages.FindSubmatch(f.objects[1])
	if kids == nil {
		return nil, errors.New("reading a PDF: no pages")
	}
	var all []int
	for _, m := range reference.FindAllSubmatch(kids[1], -1) {
		n, err := strconv.Atoi(string(m[1]))
		if err != nil || n <= 0 || n >= len(f.objects) || !strings.HasPrefix(string(f.objects[n]), "<<") {
			return nil, errors.New("reading a PDF: a page is missing")
		}
		all = append(all, n)
	}
	return all, nil
}

// sRGB is a colour profile (ICC.1:2001-04) with the primaries of IEC 61966-2-1
// and its curve taken as a power of 2.2. Our greys need one, and no more of it.
func sRGB() []byte {
	xyz := func(x, y, z float64) []byte {
		b := []byte("XYZ \x00\x00\x00\x00")
		for _, v := range []float64{x, y, z} {
			b = binary.BigEndian.AppendUint32(b, uint32(int32(math.Round(v*65536))))
		}
		return b
	}
	name := "sRGB\x00"
	described := binary.BigEndian.AppendUint32([]byte("desc\x00\x00\x00\x00"), uint32(len(name)))
	described = append(append(described, name...), make([]byte, 4+4+2+1+67)...)
	white := xyz(0.9642, 1, 0.8249)
	curve := []byte("curv\x00\x00\x00\x00\x00\x00\x00\x01\x02\x33\x00\x00")
	tags := []struct {
		name string
		data []byte
	}{
		{"desc", described}, {"cprt", []byte("text\x00\x00\x00\x00CC0\x00")}, {"wtpt", white},
		{"rXYZ", xyz(0.4360747, 0.2225045, 0.0139322)}, {"gXYZ", xyz(0.3850649, 0.7168786, 0.0971045)}, {"bXYZ", xyz(0.1430804, 0.0606169, 0.7141733)},
		{"rTRC", curve}, {"gTRC", curve}, {"bTRC", curve},
	}
	head := make([]byte, 128)
	copy(head[8:], "\x02\x10\x00\x00mntrRGB XYZ ")
	copy(head[24:], "\x07\xea\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00acsp")
	copy(head[68:], white[8:])
	table := binary.BigEndian.AppendUint32(nil, uint32(len(tags)))
	var data []byte
	for _, t := range tags {
		table = append(table, t.name...)
		table = binary.BigEndian.AppendUint32(table, uint32(len(head)+4+12*len(tags)+len(data)))
		table = binary.BigEndian.AppendUint32(table, uint32(len(t.data)))
		data = append(data, t.data...)
		for len(data)%4 != 0 {
			data = append(data, 0)
		}
	}
	profile := append(append(head, table...), data...)
	binary.BigEndian.PutUint32(profile, uint32(len(profile)))
	return profile
}
