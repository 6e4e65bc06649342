package hooks

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/subscriptions"

	"portolan/care"
	"portolan/collections"
)

// wakeTopic is the one topic of PocketBase's realtime API that may be
// subscribed to. Its messages say that something is new, never what.
const wakeTopic = "wake"

const (
	wakeDelay     = 5 * time.Millisecond   // how long the first commit after a pause waits for others
	wakeApart     = 200 * time.Millisecond // commits that follow make one wake-up within it
	wakeStall     = 15 * time.Second       // a client that takes no byte for so long is cut
	wakeRecheck   = time.Minute            // how often those who listen are looked up again
	guestsMax     = 512                    // connections that have not yet said who they are
	guestsEachMax = 128                    // of them from one address
	listenersMax  = 6000                   // connections in all; each keeps some 40 KB
	perDeviceMax  = 2                      // connections of one tablet: the one that is, and the one whose line broke
	perPersonMax  = 8                      // of one person at desks
	guestPatience = 30 * time.Second       // how long one may take to say so
)

// waker sends wake-ups. It keeps its own index from members of staff to their
// connections, so that a commit costs nothing for those whom it does not
// concern.
type waker struct {
	hub *collections.Hub

	mu      sync.Mutex
	byID    map[string]*listener   // by client id
	byStaff map[string][]*listener // only those who have subscribed
	guests  int
	from    map[string]int  // guests by address
	made    uint64          // connections so far
	pending map[string]bool // staff to wake when the timer fires
	timer   *time.Timer
	fired   time.Time // when wake-ups were last sent
	closed  bool
	sends   sync.WaitGroup
}

// listener is one connection.
type listener struct {
	client  subscriptions.Client
	hangUp  context.CancelFunc
	address string
	number  uint64 // in the order in which they came
	staff   string // "" until it has said who it is
	device  string
	session string // of a desk
	n       uint64 // wake-ups so far; its own counter, so that it tells nothing of others
	sending bool
	again   bool
}

func newWaker(hub *collections.Hub) *waker {
	return &waker{hub: hub, byID: map[string]*listener{}, byStaff: map[string][]*listener{}, from: map[string]int{}, pending: map[string]bool{}}
}

// wake is called after each commit with those for whom something is new.
func (w *waker) wake(staff []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	for _, s := range staff {
		if len(w.byStaff[s]) > 0 {
			w.pending[s] = true
		}
	}
	if len(w.pending) > 0 && w.timer == nil {
		// An eviction must not wait for company; a busy hub must not wake
		// everybody at each commit.
		w.timer = time.AfterFunc(max(wakeDelay, wakeApart-time.Since(w.fired)), w.fire)
	}
}

func (w *waker) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer, w.fired = nil, time.Now()
	if w.closed {
		return
	}
	for s := range w.pending {
		for _, l := range w.byStaff[s] {
			// At most one goroutine a connection, however slow it is: what
			// comes meanwhile becomes one more wake-up at the end.
			if l.sending {
				l.again = true
				continue
			}
			l.sending = true
			w.sends.Go(func() { w.send(l) })
		}
	}
	clear(w.pending)
}

func (w *waker) send(l *listener) {
	for {
		w.mu.Lock()
		l.n++
		n := l.n
		w.mu.Unlock()
		l.client.Send(subscriptions.Message{Name: wakeTopic, Data: fmt.Appendf(nil, `{"n":%d}`, n)})
		w.mu.Lock()
		if !l.again || w.closed {
			l.sending = false
			w.mu.Unlock()
			return
		}
		l.again = false
		w.mu.Unlock()
	}
}

// recheck looks up again who may still be told. A tablet's revocation, a
// sign-in's end and whoever leaves hang up at once (drop, signedOut); what ends
// by its date alone is found here. A wake-up itself asks nothing: it carries
// nothing, and everybody's may be due at the same moment.
func (w *waker) recheck(ctx context.Context) {
	w.mu.Lock()
	all := make([]*listener, 0, len(w.byID))
	for _, l := range w.byID {
		if l.staff != "" {
			all = append(all, l)
		}
	}
	w.mu.Unlock()
	for _, l := range all {
		if ctx.Err() == nil && !w.stillKnown(ctx, l) && ctx.Err() == nil {
			l.hangUp()
		}
	}
}

// recheckAll does so until the context ends.
func (w *waker) recheckAll(ctx context.Context) {
	tick := time.NewTicker(wakeRecheck)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.recheck(ctx)
		}
	}
}

func (w *waker) stillKnown(ctx context.Context, l *listener) bool {
	w.mu.Lock()
	staff, device, session := l.staff, l.device, l.session
	w.mu.Unlock()
	known, err := w.hub.StaffHere(ctx, staff)
	switch {
	case err != nil || !known:
	case device != "":
		known, err = w.hub.DeviceEnrolled(ctx, device)
	default:
		known, err = w.hub.SessionLive(ctx, staff, session)
	}
	// A hub that cannot read for a moment is no reason to hang up on
	// everybody: they learn nothing by a wake-up.
	return known || err != nil
}

// join counts a new connection, whose owner is not known yet: EventSource
// sends no headers, so that PocketBase learns it with the subscription.
func (w *waker) join(c subscriptions.Client, address string, hangUp context.CancelFunc) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || len(w.byID) >= listenersMax || w.guests >= guestsMax || w.from[address] >= guestsEachMax {
		return collections.ErrBusy
	}
	w.made++
	w.byID[c.Id()] = &listener{client: c, hangUp: hangUp, address: address, number: w.made}
	w.guests++
	w.from[address]++
	return nil
}

// noGuest counts a connection no longer among those without an owner.
func (w *waker) noGuest(l *listener) {
	w.guests--
	if w.from[l.address]--; w.from[l.address] == 0 {
		delete(w.from, l.address)
	}
}

// leave forgets a connection.
func (w *waker) leave(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.byID[id]
	if l == nil {
		return
	}
	delete(w.byID, id)
	if l.staff == "" {
		w.noGuest(l)
		return
	}
	w.unlist(l)
}

func (w *waker) unlist(l *listener) {
	list := w.byStaff[l.staff]
	for i := range list {
		if list[i] == l {
			list = append(list[:i:i], list[i+1:]...)
			break
		}
	}
	if len(list) == 0 {
		delete(w.byStaff, l.staff)
		return
	}
	w.byStaff[l.staff] = list
}

// subscribe notes whose connection it is. Without a topic it stays open and
// is told nothing.
func (w *waker) subscribe(id string, a care.Actor, session string, topics []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.byID[id]
	if l == nil {
		return // gone meanwhile
	}
	if l.staff == "" {
		w.noGuest(l)
	} else {
		w.unlist(l)
	}
	l.staff, l.device, l.session = a.Staff, a.Device, session
	if len(topics) > 0 {
		w.byStaff[a.Staff] = append(w.byStaff[a.Staff], l)
	}
	w.crowdOut(l)
}

// crowdOut hangs up on the oldest connections of a tablet, or of a person at
// desks, that has more than its share: those are the ones whose line broke.
func (w *waker) crowdOut(l *listener) {
	most := perPersonMax
	if l.device != "" {
		most = perDeviceMax
	}
	var same []*listener
	for _, o := range w.byID {
		if o.staff == l.staff && o.device == l.device {
			same = append(same, o)
		}
	}
	slices.SortFunc(same, func(a, b *listener) int { return cmp.Compare(a.number, b.number) })
	for _, o := range same[:max(0, len(same)-most)] {
		o.hangUp()
	}
}

// dropGuest hangs up on a connection that never said who it is.
func (w *waker) dropGuest(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if l := w.byID[id]; l != nil && l.staff == "" {
		l.hangUp()
	}
}

// drop hangs up on a tablet that was revoked.
func (w *waker) drop(device string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range w.byID {
		if l.device == device && device != "" {
			l.hangUp()
		}
	}
}

// signedOut hangs up on the desks of a member of staff whose sign-in has
// ended, and on their tablets where they have left.
func (w *waker) signedOut(staff string) {
	w.mu.Lock()
	var theirs []*listener
	for _, l := range w.byID {
		if l.staff == staff && !w.closed {
			theirs = append(theirs, l)
		}
	}
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), wakeStall)
	defer cancel()
	for _, l := range theirs {
		if !w.stillKnown(ctx, l) {
			l.hangUp()
		}
	}
}

// close hangs up on everybody.
func (w *waker) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.timer != nil {
		w.timer.Stop()
	}
	for _, l := range w.byID {
		l.hangUp()
	}
}

// bindRealtime keeps PocketBase's realtime API to the one topic.
func (f *Front) bindRealtime() {
	f.app.OnRealtimeConnectRequest().BindFunc(func(e *core.RealtimeConnectRequestEvent) error {
		// A tablet changes its address between connecting and subscribing
		// (mobile networks); PocketBase would refuse it then. The client id
		// is 40 random characters, and alone opens nothing.
		e.Client.Unset(apis.RealtimeClientIPKey)
		ctx, hangUp := context.WithCancel(e.Request.Context())
		defer hangUp()
		e.Request = e.Request.WithContext(ctx)
		if err := f.wake.join(e.Client, addressKey(e.RemoteIP()), hangUp); err != nil {
			return err
		}
		defer f.wake.leave(e.Client.Id())
		patience := time.AfterFunc(guestPatience, func() { f.wake.dropGuest(e.Client.Id()) })
		defer patience.Stop()
		return e.Next()
	})
	f.app.OnRealtimeSubscribeRequest().BindFunc(func(e *core.RealtimeSubscribeRequestEvent) error {
		actor, err := actorOf(e.RequestEvent)
		if err != nil {
			return err
		}
		for _, topic := range e.Subscriptions {
			if topic != wakeTopic {
				return errTopic
			}
		}
		if err := e.Next(); err != nil {
			return err
		}
		session, _ := e.Get(sessionKey).(string)
		f.wake.subscribe(e.Client.Id(), actor, session, e.Subscriptions)
		return nil
	})
	f.app.OnRealtimeMessageSend().BindFunc(func(e *core.RealtimeMessageEvent) error {
		// Without a deadline a client that reads nothing holds its goroutine
		// and messages for ever: PocketBase's own limit waits behind the write.
		rc := http.NewResponseController(e.Response)
		if err := rc.SetWriteDeadline(time.Now().Add(f.stall)); err != nil {
			return err
		}
		if err := e.Next(); err != nil {
			return err
		}
		return rc.SetWriteDeadline(time.Time{}) // HTTP/2 would end the idle stream at the deadline
	})
}
