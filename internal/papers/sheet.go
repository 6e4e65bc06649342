package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
)

// Measures of the contact sheet.
const (
	sheetColumns = 6
	sheetDPI     = "42"
)

// greys are enough to see letters by, and few enough for a small file.
var greys = color.Palette{color.Gray{0}, color.Gray{85}, color.Gray{170}, color.Gray{255}}

// sheet puts the first pages of papers side by side, as poppler draws them.
func sheet(dir, to string, pairs []string) error {
	var pages []image.Image
	for _, pair := range pairs {
		out, err := exec.Command("pdftoppm", "-r", sheetDPI, "-gray", "-png", "-singlefile", filepath.Join(dir, pair+".pdf")).Output()
		if err != nil {
			return fmt.Errorf("pdftoppm, of the Debian package poppler-utils: %w", err)
		}
		page, err := png.Decode(bytes.NewReader(out))
		if err != nil {
			return err
		}
		pages = append(pages, page)
	}
	size := pages[0].Bounds().Size()
	rows := (len(pages) + sheetColumns - 1) / sheetColumns
	whole := image.NewPaletted(image.Rect(0, 0, sheetColumns*size.X, rows*size.Y), greys)
	draw.Draw(whole, whole.Bounds(), image.White, image.Point{}, draw.Src)
	for i, page := range pages {
		at := image.Pt(i%sheetColumns*size.X, i/sheetColumns*size.Y)
		draw.Draw(whole, page.Bounds().Add(at), page, page.Bounds().Min, draw.Src)
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, whole); err != nil {
		return err
	}
	return os.WriteFile(to, b.Bytes(), 0o644)
}
