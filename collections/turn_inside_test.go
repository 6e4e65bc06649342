package collections

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestTurns(t *testing.T) {
	all := newTurns()
	ctx, cancel := context.WithCancel(context.Background())
	held := make([]*Turn, cap(all.free))
	for i := range held {
		var err error
		if held[i], err = all.take(ctx, nil); err != nil {
			t.Fatal(err)
		}
	}
	waiting := make(chan *Turn)
	go func() {
		one, err := all.take(ctx, nil)
		if err != nil {
			t.Error(err)
		}
		waiting <- one
	}()
	// Whoever rests lets another work, and gets a turn again once there is one.
	err := held[0].Rest(func() error {
		other := <-waiting
		if !other.Crowded() {
			t.Errorf("%d work and it is no crowd", len(held))
		}
		other.leave()
		return nil
	})
	if err != nil || held[0].release == nil {
		t.Errorf("after a rest: %v", err)
	}
	late := make(chan time.Time)
	close(late)
	if _, err := all.take(ctx, late); !errors.Is(err, ErrBusy) {
		t.Errorf("who waited too long was told %v", err)
	}
	cancel()
	if _, err := all.take(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("more than %d work: %v", len(held), err)
	}
	// Behind the answer nothing is taken that nobody gives back.
	for _, one := range held {
		one.leave()
		if err := one.Rest(func() error { return nil }); err != nil {
			t.Error(err)
		}
	}
	if len(all.free) != 0 || all.wanted.Load() != 0 || held[0].Crowded() {
		t.Errorf("%d turns are held by nobody, %d wanted", len(all.free), all.wanted.Load())
	}
}
