package care

import "errors"

// Kind sorts errors by what the caller can do about them; hooks maps each to
// one HTTP status.
type Kind string

const (
	Invalid     Kind = "invalid"     // 400: what was sent makes no sense; it is still with its author
	Signin      Kind = "signin"      // 401: no token, or one that is wrong, expired or revoked
	Forbidden   Kind = "forbidden"   // 403: only for what is wrong with the request or the sign-in, never with a person's rights to a record
	NotFound    Kind = "not_found"   // 404: no such thing, or not for this person: the two look the same
	Conflict    Kind = "conflict"    // 409: the state does not allow it now
	TooLarge    Kind = "too_large"   // 413
	Unprocessed Kind = "unprocessed" // 422: understood, and a rule forbids it
	Busy        Kind = "busy"        // 503: try again after a pause; nothing was lost
	Full        Kind = "full"        // 507: there is no room to keep it; nothing was lost
	Damaged     Kind = "damaged"     // 500: what the hub itself keeps is not as it should be; for its operator
)

// Error is an error that a person may read. Its message comes from the
// catalogue under "error.<Code>"; it carries no personal data.
type Error struct {
	Code string // stable, snake_case, documented in docs/errors.md
	Kind Kind
	Hint string // what to do, in English, for the console; the app translates by Code
	Err  error  // cause, for the log, never sent
}

func (e *Error) Error() string {
	s := e.Code
	if e.Hint != "" {
		s += ": " + e.Hint
	}
	if e.Err != nil {
		s += " (" + e.Err.Error() + ")"
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the stable code of an error, "internal" where it has none.
func CodeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return "internal"
}

// ErrNotFound is what everybody gets for what does not exist and for what
// they may not see.
var ErrNotFound = &Error{Code: "not_found", Kind: NotFound, Hint: "There is nothing here under this id."}
