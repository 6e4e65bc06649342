package tablet

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"portolan/care"
)

// Times of watching.
const (
	pauseMin  = 15 * time.Second // between two attempts, before jitter
	pauseMax  = 5 * time.Minute
	wakeStall = 7 * time.Minute // PocketBase ends an idle stream after five
	wakeTopic = "wake"

	realtimePath = "/api/realtime"
)

// pause waits, or ends early with the context.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Watch syncs whenever the hub says that there is something new, and by
// polling where it cannot be listened to, until the context ends or the hub
// does not accept this tablet any more. Each sync is told to done.
func (t *Tablet) Watch(ctx context.Context, done func(Report, error)) error {
	wait := pauseMin
	for {
		heard, err := t.listen(ctx, done)
		if ctx.Err() != nil {
			return nil
		}
		if refused(err) {
			return err
		}
		if heard {
			wait = pauseMin
		} else if err := t.syncTold(ctx, done); refused(err) {
			return err // there was no stream: this is the poll
		}
		var busy *HubError
		next := wait
		if errors.As(err, &busy) {
			next = max(next, busy.Wait)
		}
		if err := t.pause(ctx, t.jitter(next)); err != nil {
			return nil
		}
		wait = min(2*wait, pauseMax)
	}
}

// refused says whether the hub will not have this tablet, however often it asks.
func refused(err error) bool {
	var e *care.Error
	return errors.As(err, &e) && e.Kind == care.Signin
}

func (t *Tablet) syncTold(ctx context.Context, done func(Report, error)) error {
	r, err := t.Sync(ctx)
	if ctx.Err() != nil {
		return nil
	}
	done(r, err)
	return err
}

// jitter spreads tablets out that all lost the same hub: from half to one and
// a half of d.
func (t *Tablet) jitter(d time.Duration) time.Duration {
	var b [4]byte
	if _, err := io.ReadFull(t.rand, b[:]); err != nil {
		return d
	}
	return d/2 + time.Duration(uint64(d)*uint64(binary.BigEndian.Uint32(b[:]))>>32)
}

// listen opens PocketBase's realtime stream, subscribes to the wake-up, and
// syncs once at the beginning and then at each wake-up. heard says that the
// stream was open.
func (t *Tablet) listen(ctx context.Context, done func(Report, error)) (heard bool, err error) {
	l, _, _, err := t.reach(ctx)
	if err != nil {
		return false, err
	}
	defer l.close()
	if err := l.fetchToken(ctx); err != nil {
		return false, err
	}
	ctx, cut := context.WithCancelCause(ctx)
	defer cut(nil)
	resp, err := l.ask(ctx, "GET", realtimePath, nil)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	body := newStalled(resp.Body, wakeStall, func() { cut(errBroken) })
	defer body.stop()
	events := make(chan sseEvent, 1)
	ended := make(chan error, 1)
	go func() { ended <- readEvents(ctx, body, events) }()
	for {
		select {
		case err := <-ended:
			return heard, err
		case e := <-events:
			switch e.name {
			case "PB_CONNECT":
				if err := subscribe(ctx, l, e.data); err != nil {
					return heard, err
				}
				heard = true
			case wakeTopic:
			default:
				continue
			}
			if err := t.syncTold(ctx, done); refused(err) {
				return heard, err
			}
		}
	}
}

// fetchToken gets a token for the stream, whose requests cannot be signed: a
// browser's EventSource sends no headers.
func (l *line) fetchToken(ctx context.Context) error {
	resp, err := l.ask(ctx, "POST", "/api/portolan/token", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var in struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, problemMax)).Decode(&in); err != nil || in.Token == "" {
		return errAnswer
	}
	l.token = in.Token
	return nil
}

func subscribe(ctx context.Context, l *line, connected string) error {
	var c struct {
		ClientID string `json:"clientId"`
	}
	if err := json.Unmarshal([]byte(connected), &c); err != nil || c.ClientID == "" {
		return errAnswer
	}
	body, err := json.Marshal(map[string]any{"clientId": c.ClientID, "subscriptions": []string{wakeTopic}})
	if err != nil {
		return err
	}
	resp, err := l.ask(ctx, "POST", realtimePath, body)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// sseEvent is one event of a stream (WHATWG HTML, server-sent events).
type sseEvent struct{ name, data string }

// readEvents reads events until the stream ends. Wake-ups that come while a
// sync runs become one.
func readEvents(ctx context.Context, r io.Reader, events chan sseEvent) error {
	lines := bufio.NewScanner(r)
	var e sseEvent
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "":
			if lines.Text() == "" && e.name != "" {
				deliver(ctx, events, e)
				e = sseEvent{}
			}
		}
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if lines.Err() != nil {
		return unreachable(lines.Err())
	}
	return errBroken
}

// deliver hands an event over; a wake-up for which another one waits already
// says nothing new.
func deliver(ctx context.Context, events chan sseEvent, e sseEvent) {
	if e.name == wakeTopic {
		select {
		case events <- e:
		default:
		}
		return
	}
	select {
	case events <- e:
	case <-ctx.Done():
	}
}
