// Package typeset sets text of any script into lines and puts the lines on a
// page that gofpdf writes: Arabic joined and from right to left, Devanagari in
// conjuncts, Khmer stacked, with a number in the middle that stays as it was
// given.
//
// A Paragraph of runs goes in; a Setter resolves directions (UAX #9), picks
// fonts by what they cover, shapes (OpenType, through go-text) and breaks
// lines (UAX #14, with dictionaries for Thai, Lao, Khmer and Burmese); lines
// of placed glyphs come out. A Pen writes lines to a page with subset fonts
// from which every reader gets the text back.
//
// Nothing is printed that cannot be printed right: a character that no font
// has is an error that names it, never a gap.
//
// The package is pure: the same text and the same fonts give the same bytes.
package typeset
