package tablet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"portolan/audit"
	"portolan/care"
	fieldsync "portolan/sync"
)

// A tablet remembers the last head of the hub's audit log that it saw, and
// has the hub prove at each sync that the log only grew. What does not fit is
// an alarm. It is kept until a person enrols the tablet again: until then the
// tablet delivers what is unsent and destroys what it is told to, and takes
// nothing else from that hub.

// ErrLogWithheld says that the hub disclosed something and did not show its
// audit log with it.
var ErrLogWithheld = &care.Error{Code: "audit_withheld", Kind: care.Conflict, Hint: "The hub did not show its audit log with what it sent. Nothing more is taken from it, and nothing unsent is lost. Tell the protection officer."}

// Alarm is what was wrong with the hub's audit log, and what shows it.
type Alarm struct {
	Code       string `json:"code"`
	At         string `json:"at"`                   // this device's clock
	Shown      string `json:"shown,omitempty"`      // what the hub showed, as it is signed
	Remembered string `json:"remembered,omitempty"` // what it had shown before
}

// alarms are the errors that are kept.
var alarms = []*care.Error{audit.ErrRewritten, audit.ErrRolledBack, audit.ErrReopened, audit.ErrSignature, audit.ErrCheckpoint, audit.ErrKey, ErrLogWithheld}

// asAlarm finds the alarm with a code; one that this version does not know is
// an alarm still.
func asAlarm(code string) error {
	for _, a := range alarms {
		if a.Code == code {
			return a
		}
	}
	return audit.ErrRewritten
}

func isAlarm(err error) bool {
	for _, a := range alarms {
		if errors.Is(err, a) {
			return true
		}
	}
	return false
}

// Witness is what the tablet remembers of the hub's audit log, and its alarm
// where there is one. The checkpoint in it may be given to anybody who wants
// to compare it with what others were shown.
func (t *Tablet) Witness(ctx context.Context) (w audit.Witness, alarm *Alarm, err error) {
	err = t.inTx(ctx, func(x *tx) error {
		if w, err = x.witness(); err != nil {
			return err
		}
		alarm, err = x.alarm()
		return err
	})
	return w, alarm, err
}

// alarmed is the alarm as an error, nil where there is none.
func (t *Tablet) alarmed(ctx context.Context) (alarm, err error) {
	_, a, err := t.Witness(ctx)
	if a != nil {
		alarm = asAlarm(a.Code)
	}
	return alarm, err
}

func (x *tx) witness() (audit.Witness, error) {
	var w audit.Witness
	return w, x.metaJSON(metaWitness, &w)
}

func (x *tx) alarm() (*Alarm, error) {
	var a Alarm
	if err := x.metaJSON(metaAlarm, &a); err != nil || a.Code == "" {
		return nil, err
	}
	return &a, nil
}

func (x *tx) metaJSON(key string, into any) error {
	text, err := x.meta(key)
	if err != nil || text == "" {
		return err
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("reading the tablet's store: %w", err)
	}
	return nil
}

func (x *tx) setMetaJSON(key string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing the tablet's store: %w", err)
	}
	return x.setMeta(key, string(b))
}

// watchLog begins to watch the log with that key. Where it is the log that is
// watched already, what is remembered stays; an alarm ends, since a person
// decided to enrol here again.
func (x *tx) watchLog(key string) error {
	w, err := x.witness()
	if err != nil {
		return err
	}
	alarm, err := x.alarm()
	if err != nil {
		return err
	}
	if w.Key != key || alarm != nil {
		w = audit.Witness{Key: key}
	}
	if err := x.setMeta(metaAlarm, ""); err != nil {
		return err
	}
	return x.setMetaJSON(metaWitness, w)
}

// log checks the head of the audit log that comes before what is disclosed.
func (in *intake) log(x *tx, l *fieldsync.LogHead, report *Report) error {
	if in.alarm != nil {
		return nil // the first one is what shows what happened
	}
	w, err := x.witness()
	if err != nil {
		return err
	}
	before := w.Signed
	proof := make([]audit.Hash, len(l.Proof))
	for i, text := range l.Proof {
		if proof[i], err = audit.ParseHash(text); err != nil {
			return in.raise(x, audit.ErrRewritten, l.Signed, before)
		}
	}
	restored, err := w.Take(l.Signed, proof, l.Keys...)
	if err != nil {
		return in.raise(x, err, l.Signed, before)
	}
	in.shown, report.Restored = true, report.Restored || restored
	if restored {
		// What it is being given back goes on from where it asked: from the last
		// change alone it would not hear which receipts were lost on the way.
		if err := errors.Join(x.exec(`INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE value = ''`, metaOffers, offersLast),
			x.setMeta(metaDraftsAgain, "restored"), x.setMeta(metaRepaired, "")); err != nil {
			return err
		}
	}
	return x.setMetaJSON(metaWitness, w)
}

// withheld says whether a line discloses something, or ends an answer that
// took something, and the log was not shown before it.
func (in *intake) withheld(l *fieldsync.Line, report *Report) bool {
	return !in.shown && in.alarm == nil &&
		(l.Enter != nil || l.Row != nil || l.Draft != nil || l.End != nil && (report.Sent > 0 || len(report.Evicted) > 0))
}

func (in *intake) noLog(x *tx) error {
	w, err := x.witness()
	if err != nil {
		return err
	}
	return in.raise(x, ErrLogWithheld, "", w.Signed)
}

func (in *intake) raise(x *tx, why error, shown, remembered string) error {
	in.alarm = why
	return x.setMetaJSON(metaAlarm, Alarm{Code: care.CodeOf(why), At: care.FormatTime(in.t.now()), Shown: shown, Remembered: remembered})
}
