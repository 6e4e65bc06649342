package collections

import (
	"context"
	"fmt"
	"log/slog"
	"regexp"

	"portolan/care"
)

// quietLog is the handler of the hub's log. What it is handed is written by
// us, but errors come from everywhere: a decoder quotes what it could not
// read, and that may be a name. So whatever stands in quotes in an error goes,
// and of a value of an unknown type only the type is told.
type quietLog struct{ slog.Handler }

var inQuotes = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"?|`[^`]*`?|'[^']*'")

// quietText is the text of an error without what it quotes.
func quietText(s string) string { return inQuotes.ReplaceAllString(s, care.Redacted) }

func quietAttr(a slog.Attr) slog.Attr {
	v := a.Value.Resolve()
	switch v.Kind() {
	case slog.KindGroup:
		var in []slog.Attr
		for _, g := range v.Group() {
			in = append(in, quietAttr(g))
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(in...)}
	case slog.KindAny:
		switch known := v.Any().(type) {
		case nil:
		case error:
			return slog.String(a.Key, quietText(known.Error()))
		default:
			return slog.String(a.Key, fmt.Sprintf("%s %T", care.Redacted, known))
		}
	}
	return slog.Attr{Key: a.Key, Value: v}
}

// Handle writes one line, quietly.
func (q quietLog) Handle(ctx context.Context, r slog.Record) error {
	quiet := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		quiet.AddAttrs(quietAttr(a))
		return true
	})
	return q.Handler.Handle(ctx, quiet)
}

// WithAttrs keeps what stands on every line, quietly.
func (q quietLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	quiet := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		quiet[i] = quietAttr(a)
	}
	return quietLog{q.Handler.WithAttrs(quiet)}
}

// WithGroup names a group.
func (q quietLog) WithGroup(name string) slog.Handler { return quietLog{q.Handler.WithGroup(name)} }
