package main

import (
	"crypto/ed25519"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"math/rand"
	"os"

	"portolan/capsule"
	"portolan/care"
	"portolan/internal/camera"
)

// words open the code of the invented paper.
const words = "bado kiru mesa tilo vuna"

// code is that of the invented paper, as large as any may be.
func code() (string, error) {
	r := capsule.Record{Paper: capsule.Paper{1, 2, 3, 4, 5, 6, 7, 8}, Day: "2026-11-20", Languages: []string{"ur", "ar"}}
	set := func(collection string, pairs ...string) {
		e := capsule.Entry{Collection: collection, Set: map[string]care.Value{}}
		for i := 0; i < len(pairs); i += 2 {
			e.Set[pairs[i]] = care.OfText(pairs[i+1])
		}
		r.Entries = append(r.Entries, e)
	}
	set("allergies", "substance", "penicillin", "criticality", "high", "last_reaction_on", "2024-03-02")
	set("allergies", "substance", "latex", "severity", "mild")
	set("medicines", "substance", "sertraline", "strength", "50 mg", "frequency", "QD", "status", "active")
	set("medicines", "substance", "ferrous sulfate", "strength", "200 mg", "frequency", "BID", "status", "active")
	set("medicines", "substance", "salbutamol", "form", "inhaler", "dose", "2 {puff}", "instructions", "Not more than 8-10 puffs in 24 h (100 µg each).", "status", "active")
	set("conditions", "label", "Asthma", "code", "J45", "code_system", "icd-10", "onset_on", "2011-05")
	set("conditions", "label", "Iron deficiency anaemia", "code", "D50", "code_system", "icd-10", "severity", "moderate")
	set("deadlines", "kind", "permit_renewal", "due_on", "2027-01-15")
	set("transfers", "receiving_contact", "+49 30 123 456")
	text, _, err := capsule.Make(rand.New(rand.NewSource(1)), r, ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)), words)
	return text, err
}

// around is the part of a page that somebody would take a picture of: its code,
// with as much again beside it. The code is the longest stretch of lines that
// are a third black in the middle of the page.
func around(page image.Image) image.Image {
	b := page.Bounds()
	flat := image.NewGray(b)
	draw.Draw(flat, b, page, b.Min, draw.Src)
	middle, half := b.Dx()/2, b.Dx()/10
	best, run := 0, 0
	lower := b.Min.Y
	for y := b.Min.Y; y < b.Max.Y; y++ {
		dark := 0
		for x := middle - half; x < middle+half; x++ {
			if flat.GrayAt(x, y).Y < 0x80 {
				dark++
			}
		}
		if run++; 6*dark < 2*half {
			run = 0
		}
		if run > best {
			best, lower = run, y
		}
	}
	return flat.SubImage(image.Rect(middle-2*best/3, lower-best-best/6, middle+2*best/3, lower+best/6))
}

// photographs writes pictures of one as a telephone would take it, from seeds.
func photographs(of, dir string, count int) error {
	f, err := os.Open(of)
	if err != nil {
		return err
	}
	defer f.Close()
	flat, err := png.Decode(f)
	if err != nil {
		return err
	}
	for seed := range int64(count) {
		random := rand.New(rand.NewSource(seed))
		if err := write(fmt.Sprintf("%s/%d.png", dir, seed), camera.Photograph(around(flat), camera.AnyView(random), random)); err != nil {
			return err
		}
	}
	return nil
}

func write(path string, picture image.Image) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := png.Encode(f, picture); err != nil {
		return err
	}
	return f.Close()
}
