package pdf

import (
	"fmt"
	"strings"

	"rsc.io/qr"

	"portolan/pdf/typeset"
)

// Measures of a code in millimetres: a scan at 150 dots an inch has four dots
// for each module of the largest.
const (
	codeSide  = 60.0
	codeEdge  = 4.0 // white around it, with what the page leaves more than four modules (ISO/IEC 18004)
	codeTop   = 4.0
	codeLimit = 17 + 4*18 // modules of version 18
)

// code is a QR code on a sheet, by its upper left corner.
type code struct {
	modules *qr.Code
	x, y    float64
}

// encode makes the code of a text, at level M.
func encode(text string) (*qr.Code, error) {
	c, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, fmt.Errorf("drawing the code: %w", err)
	}
	if c.Size > codeLimit {
		return nil, fmt.Errorf("drawing the code: it has %d modules, at most %d", c.Size, codeLimit)
	}
	return c, nil
}

// code ends the last sheet: what opens it, in each language, and below the code.
func (p *page) code(labels []string, modules *qr.Code) {
	table := p.cells(labels, p.faces.small, p.root("P"))
	if p.room() < table.height(table.lines())+codeTop+codeSide+codeEdge {
		p.breakPage()
	}
	p.lines(table)
	p.y += codeTop
	figure := p.tree.Root.Add("Figure", p.langs[0])
	figure.Text = labels[0]
	x, lower := (p.paperWidth-codeSide)/2, p.paperHeight-p.y-codeSide
	figure.Attributes = fmt.Sprintf("/O/Layout/Placement/Block/BBox[%.2f %.2f %.2f %.2f]",
		x*pointsPerMM, lower*pointsPerMM, (x+codeSide)*pointsPerMM, (lower+codeSide)*pointsPerMM)
	s := p.sheet()
	s.marks = append(s.marks, mark{of: figure, code: &code{modules, x, p.y}})
	p.y += codeSide + codeEdge
}

// codeContent draws the code as an image in the content, a bit for a module: a
// kilobyte, and no seams between modules.
func (p *page) codeContent(c *code) string {
	n := c.modules.Size
	var b strings.Builder
	fmt.Fprintf(&b, "q %.3f 0 0 %.3f %.3f %.3f cm BI/W %d/H %d/BPC 1/CS/G/F/AHx ID ",
		codeSide*pointsPerMM, codeSide*pointsPerMM, c.x*pointsPerMM, p.up(c.y+codeSide), n, n)
	for y := range n {
		row := make([]byte, (n+7)/8)
		for x := range n {
			if !c.modules.Black(x, y) {
				row[x/8] |= 0x80 >> (x % 8)
			}
		}
		fmt.Fprintf(&b, "%x", row)
	}
	b.WriteString("> EI Q")
	return b.String()
}

func (p *page) paintCode(r *typeset.Raster, c *code) {
	n := c.modules.Size
	step := codeSide * pointsPerMM / float64(n)
	for y := range n {
		for x := 0; x < n; x++ {
			from := x
			for c.modules.Black(x, y) { // nothing is black beyond the edge
				x++
			}
			if x > from {
				r.Box(c.x*pointsPerMM+float64(from)*step, p.up(c.y+codeSide)+float64(n-1-y)*step, float64(x-from)*step, step, 0)
			}
		}
	}
}
