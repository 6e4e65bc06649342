package hooks

import (
	"context"
	"errors"
	"testing"

	"portolan/care"
	"portolan/collections"
)

func TestNobodyTakesThePlacesOfTheOthers(t *testing.T) {
	p, ctx := newPlaces(readersMax, readersEach), context.Background()
	greedy := care.Actor{Staff: "a", Device: "one"}
	var release []func()
	for range readersEach {
		leave, err := p.take(ctx, greedy)
		if err != nil {
			t.Fatal(err)
		}
		release = append(release, leave)
	}
	if _, err := p.take(ctx, greedy); !errors.Is(err, collections.ErrBusy) {
		t.Errorf("one place more for the same tablet: %v", err)
	}
	for _, other := range []care.Actor{{Staff: "a", Device: "two"}, {Staff: "a"}, {Staff: "b", Device: "three"}} {
		leave, err := p.take(ctx, other)
		if err != nil {
			t.Errorf("%v finds no place: %v", other, err)
			continue
		}
		leave()
	}
	release[0]()
	leave, err := p.take(ctx, greedy)
	if err != nil {
		t.Fatalf("after one was given back: %v", err)
	}
	leave()
	release[1]()
	if len(p.each) != 0 || len(p.all) != 0 {
		t.Errorf("%d places and %d counts are left", len(p.all), len(p.each))
	}
}
