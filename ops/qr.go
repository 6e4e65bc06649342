package ops

import (
	"fmt"
	"io"

	"rsc.io/qr"
)

// quiet is the empty edge that a reader needs around a code (ISO/IEC 18004: four modules).
const quiet = 4

// drawQR draws a text as a QR code on a terminal, two modules a line with half
// blocks, dark on light whatever the terminal's colours are.
func drawQR(w io.Writer, text string) error {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return fmt.Errorf("drawing a code: %w", err)
	}
	const light, reset = "\x1b[30;107m", "\x1b[0m"
	for y := -quiet; y < code.Size+quiet; y += 2 {
		fmt.Fprint(w, light)
		for x := -quiet; x < code.Size+quiet; x++ {
			fmt.Fprint(w, module(code.Black(x, y), code.Black(x, y+1)))
		}
		fmt.Fprintln(w, reset)
	}
	return nil
}

func module(upper, lower bool) string {
	switch {
	case upper && lower:
		return "█"
	case upper:
		return "▀"
	case lower:
		return "▄"
	}
	return " "
}
