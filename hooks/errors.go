package hooks

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"

	"portolan/care"
	"portolan/collections"
	"portolan/pdf"
)

// Problem is the body of every answer that is not a success (docs/errors.md).
type Problem struct {
	Code      string   `json:"code"`
	Message   string   `json:"message"`
	Hint      string   `json:"hint"`
	Taken     uint64   `json:"taken,omitempty"`     // for code hub_locked: up to which number the hub keeps changes, sealed
	Expected  uint64   `json:"expected,omitempty"`  // for code sequence_gap: the number from which the hub wants changes again
	Now       int64    `json:"now,omitempty"`       // for clock_off and request_replayed: the hub's time in milliseconds, to sign again by
	After     int64    `json:"after,omitempty"`     // and the time after which to sign
	Words     []string `json:"words,omitempty"`     // for code summary_words: what to say otherwise, of a text that whoever asked may read
	Reference string   `json:"reference,omitempty"` // also in the hub's log, for code internal
}

// status is the one table from kinds of errors to HTTP.
var status = map[care.Kind]int{
	care.Invalid: http.StatusBadRequest, care.Signin: http.StatusUnauthorized, care.NotFound: http.StatusNotFound,
	care.Conflict: http.StatusConflict, care.TooLarge: http.StatusRequestEntityTooLarge,
	care.Unprocessed: http.StatusUnprocessableEntity, care.Busy: http.StatusServiceUnavailable,
	care.Full: http.StatusInsufficientStorage, care.Forbidden: http.StatusForbidden, tooMany: http.StatusTooManyRequests,
	noRange: http.StatusRequestedRangeNotSatisfiable, notPrepared: http.StatusPreconditionFailed, wrongMedia: http.StatusUnsupportedMediaType, wrongSum: statusWrongSum,
}

// tooMany is 429, which only HTTP knows.
const tooMany care.Kind = "too_many"

// said is what a person reads first.
var said = map[int]string{
	http.StatusBadRequest:                   "The request makes no sense to the hub.",
	http.StatusUnauthorized:                 "Sign in first.",
	http.StatusForbidden:                    "The hub does not take this request.",
	http.StatusNotFound:                     "There is nothing here.",
	http.StatusConflict:                     "This cannot be done now.",
	http.StatusRequestEntityTooLarge:        "This is too large.",
	http.StatusUnprocessableEntity:          "A rule forbids this.",
	http.StatusTooManyRequests:              "Too many attempts.",
	http.StatusServiceUnavailable:           "The hub is busy.",
	http.StatusPreconditionFailed:           "The hub does not speak this version.",
	http.StatusRequestedRangeNotSatisfiable: "There is no such part of it.",
	http.StatusUnsupportedMediaType:         "The hub does not take this type.",
	statusWrongSum:                          "This did not come as it was sent.",
	http.StatusInsufficientStorage:          "The hub's disk is full.",
	http.StatusInternalServerError:          "Something went wrong at the hub.",
}

// Errors that the doors and routes themselves give.
var (
	errTokenInvalid = &care.Error{Code: "token_invalid", Kind: care.Signin, Hint: "The token is wrong, has expired or was revoked. Sign in again."}
	errTokenMissing = &care.Error{Code: "token_missing", Kind: care.Signin, Hint: "Send a token in the Authorization header."}
	errOrigin       = &care.Error{Code: "wrong_origin", Kind: care.Forbidden, Hint: "Another web site may not speak for a person here."}
	errQuery        = &care.Error{Code: "query_refused", Kind: care.Invalid, Hint: "Send it in the body: addresses end up in logs."}
	errTopic        = &care.Error{Code: "topic_unknown", Kind: care.Invalid, Hint: "The only topic is wake."}
	errTooMany      = &care.Error{Code: "too_many_attempts", Kind: tooMany, Hint: "Wait a little, then try again."}
	errBodySigned   = &care.Error{Code: "body_not_signed", Kind: care.Signin, Hint: "The body is not the one that the tablet signed. Nothing was done."}
	errTabletOnly   = &care.Error{Code: "tablet_only", Kind: care.Forbidden, Hint: "A tablet signs this request with its own key."}
	errRange        = &care.Error{Code: "range_not_there", Kind: noRange, Hint: "The file is shorter than the part of it that was asked for."}
	errDeviceHere   = &care.Error{Code: "device_token_refused", Kind: care.Forbidden, Hint: "A tablet's token does not sign a person in here."}
)

// retryAfter is what a client is told to wait where no better figure is known.
const retryAfter = 3 * time.Second

// waitError is an error that says how long to wait.
type waitError struct {
	known *care.Error
	wait  time.Duration
}

func (w *waitError) Error() string { return w.known.Error() }
func (w *waitError) Unwrap() error { return w.known }

// answer writes an error as a Problem. It is the only place that does.
func (f *Front) answer(w http.ResponseWriter, r *http.Request, err error) {
	code, p := f.problem(r, err)
	h := w.Header()
	h.Del("Content-Encoding")
	if code == http.StatusServiceUnavailable || code == http.StatusTooManyRequests {
		wait := retryAfter
		var with *waitError
		if errors.As(err, &with) {
			wait = with.wait
		}
		h.Set("Retry-After", strconv.Itoa(max(1, int(wait.Round(time.Second)/time.Second))))
	}
	if code == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer") // RFC 9110 §11.6.1
	}
	writeJSON(w, r, code, p)
}

func (f *Front) problem(r *http.Request, err error) (int, Problem) {
	var known *care.Error
	var api *router.ApiError
	switch {
	case errors.As(err, &known) && status[known.Kind] != 0:
		code := status[known.Kind]
		p := Problem{Code: known.Code, Message: said[code], Hint: known.Hint}
		var gap *collections.GapError
		if errors.As(err, &gap) {
			p.Expected = gap.Expected
		}
		var clock *collections.TimeError
		if errors.As(err, &clock) {
			p.Now, p.After = clock.Now, clock.After
		}
		var taken *collections.TakenError
		if errors.As(err, &taken) {
			p.Taken = taken.Taken
		}
		var telling *pdf.WordsError
		if errors.As(err, &telling) {
			p.Words = telling.Words
		}
		return code, p
	case errors.As(err, &api) && fromPocketBase[api.Status] != "":
		return api.Status, Problem{Code: fromPocketBase[api.Status], Message: said[api.Status]}
	case errors.Is(err, context.Canceled):
		// Whoever asked has hung up; nobody reads this.
		return http.StatusServiceUnavailable, Problem{Code: CodeCancelled, Message: said[http.StatusServiceUnavailable]}
	}
	ref := rand.Text()[:10]
	var broke *panicError
	if errors.As(err, &broke) {
		// What a panic says may be what somebody recorded: only its type is
		// told, and where it happened.
		f.log.Error("a request broke", "reference", ref, "method", r.Method, "route", f.routeOf(r), "type", broke.kind, "stack", broke.stack)
	} else {
		f.log.Error("a request failed", "reference", ref, "method", r.Method, "route", f.routeOf(r), "error", err)
	}
	return http.StatusInternalServerError, Problem{Code: "internal", Message: said[http.StatusInternalServerError],
		Hint: "Nothing was lost. Tell whoever runs the hub the reference.", Reference: ref}
}

// Codes that no care.Error carries.
const (
	CodeBadRequest   = "bad_request"
	CodeNotPermitted = "not_permitted"
	CodeCancelled    = "cancelled"
)

// fromPocketBase gives PocketBase's own errors our codes. Its messages are
// not passed on.
var fromPocketBase = map[int]string{
	http.StatusBadRequest: CodeBadRequest, http.StatusUnauthorized: errTokenMissing.Code, http.StatusForbidden: CodeNotPermitted,
	http.StatusNotFound: care.ErrNotFound.Code, http.StatusRequestEntityTooLarge: errBodyTooLarge.Code,
	http.StatusTooManyRequests: errTooMany.Code,
}

// answers turns what any handler returns, PocketBase's own included, into one
// shape of error.
func (f *Front) answers(e *core.RequestEvent) error {
	err := unbroken(e)
	if err == nil {
		return nil
	}
	g, guarded := e.Response.(*cuttable)
	if errors.Is(err, collections.ErrAccessEnded) || guarded && g.dismissed() {
		panic(http.ErrAbortHandler) // cut on purpose: nothing is wrong
	}
	if !e.Written() {
		f.answer(e.Response, e.Request, err)
		return nil
	}
	var line *net.OpError
	if errors.As(err, &line) {
		err = line.Err // which names no address
	}
	f.log.Warn("an answer broke off", "method", e.Request.Method, "route", f.routeOf(e.Request), "error", err)
	panic(http.ErrAbortHandler) // the client must see that it is not whole
}

// panicError is a panic of a handler, without what it said.
type panicError struct{ kind, stack string }

func (e *panicError) Error() string { return "a panic of type " + e.kind }

// stackMax bounds how much of a stack is told.
const stackMax = 2 << 10

// unbroken goes on with a request and turns a panic into an error, but for the
// one by which a handler cuts an answer short.
func unbroken(e *core.RequestEvent) (err error) {
	defer func() {
		broke := recover()
		switch known, isError := broke.(error); {
		case broke == nil:
		case isError && errors.Is(known, http.ErrAbortHandler):
			panic(broke)
		default:
			stack := make([]byte, stackMax)
			err = &panicError{fmt.Sprintf("%T", broke), string(stack[:runtime.Stack(stack, false)])}
		}
	}()
	return e.Next()
}
