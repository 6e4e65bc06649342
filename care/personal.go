package care

import (
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what is printed in the place of what somebody said or is.
const Redacted = "[redacted]"

// Personal is text that must not reach a log, a panic or a message: a
// password, a login, a name. Every way of printing it prints Redacted; code
// that needs the text converts it to a string, which can be seen where it is
// done.
type Personal string

// Format prints Redacted for every verb of fmt.
func (Personal) Format(w fmt.State, _ rune) {
	_, _ = io.WriteString(w, Redacted) // fmt has no place for an error
}

// LogValue prints Redacted in a log.
func (Personal) LogValue() slog.Value { return slog.StringValue(Redacted) }

// LogValue prints Redacted in a log: what somebody recorded is nobody's
// business there.
func (Value) LogValue() slog.Value { return slog.StringValue(Redacted) }

// LogValue names a record by its id and prints none of its values.
func (r Row) LogValue() slog.Value {
	return slog.GroupValue(slog.String("collection", r.Collection), slog.String("id", r.ID))
}
