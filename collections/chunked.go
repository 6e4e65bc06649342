package collections

import (
	"bytes"
	"database/sql"
	"errors"

	"portolan/care"
	"portolan/seal"
	fieldsync "portolan/sync"
)

// chunkOf gives what stands in a scope as a chunk, nil where it is none: the
// one that is kept, or one that is made now, of what changed since that one was
// made. fresh says that it was made. What it holds is what the answer's
// snapshot holds, also where the chunk that is kept is newer.
func (p *pull) chunkOf(scope fieldsync.Scope) (c *chunk, fresh bool, err error) {
	at, parts, err := p.standingOf(scope)
	if err != nil || at.seq == 0 || chunkRowsMax == 0 {
		return nil, false, err
	}
	all := p.h.chunks
	if k, there := all.read(p.ctx, scope); there && k.at == at {
		if c = all.unseal(scope, parts, k); c != nil {
			return c, false, nil
		}
	}
	release, err := all.turn(p.ctx, scope)
	if err != nil {
		return nil, false, err
	}
	defer release()
	k, there := all.read(p.ctx, scope)
	var old *chunk
	if there {
		old = all.unseal(scope, parts, k)
	}
	if old != nil && k.at == at { // made meanwhile
		return old, false, nil
	}
	key, err := p.keyOf(parts)
	if err != nil {
		return nil, false, err
	}
	// Of another key it is of before an erasure, which came after it was opened.
	if old != nil && (k.at.seq >= at.seq || key == nil || !sameKey(key, k.sealed)) {
		old = nil
	}
	c, err = p.makeChunk(scope, parts.Compartment, old, k.at.seq)
	if errors.Is(err, errChunkTooLarge) {
		return nil, false, nil
	}
	if err == nil && key != nil && (!there || k.at.seq <= at.seq) {
		all.keep(p.ctx, scope, key, at, c)
	}
	return c, true, err
}

// standingOf is at what a scope stands in this answer's snapshot.
func (p *pull) standingOf(scope fieldsync.Scope) (at standing, parts fieldsync.ScopeParts, err error) {
	if parts, err = fieldsync.ParseScope(string(scope)); err != nil {
		return at, parts, wrap("reading a scope", err)
	}
	err = p.r.row(`SELECT COALESCE((SELECT MAX(seq) FROM scope_log WHERE scope = ?1), 0), COALESCE((SELECT digest FROM scope_digests WHERE scope = ?1), '')`,
		string(scope)).Scan(&at.seq, &at.digest)
	return at, parts, wrap("reading a scope", err)
}

// keyOf is the key under which a scope's chunk is sealed: that of its values.
// nil where it has none.
func (p *pull) keyOf(parts fieldsync.ScopeParts) (*dataKey, error) {
	of := seal.Scope{Org: parts.Org, Case: parts.Case, Compartment: string(parts.Compartment)}
	if parts.Case != "" {
		switch err := p.r.row(`SELECT org FROM cases WHERE id = ?`, parts.Case).Scan(&of.Org); {
		case errors.Is(err, sql.ErrNoRows):
			return nil, nil
		case err != nil:
			return nil, wrap("reading a case", err)
		}
	}
	key, err := p.h.keys.there(of)
	if errors.Is(err, ErrErased) {
		return nil, nil
	}
	return key, err
}

func sameKey(key *dataKey, sealed []byte) bool {
	id, err := seal.KeyID(sealed)
	return err == nil && id == key.id
}

// makeChunk makes the chunk of a scope, from an older one and what changed
// since its number, or from all records.
func (p *pull) makeChunk(scope fieldsync.Scope, in care.Compartment, old *chunk, since uint64) (*chunk, error) {
	if old == nil {
		since = 0
	}
	wanted, err := p.wantedIn(scope, `SELECT DISTINCT record, collection FROM scope_log WHERE scope = ? AND seq > ?`, since)
	if err != nil {
		return nil, err
	}
	if len(wanted) > chunkRowsMax {
		return nil, errChunkTooLarge
	}
	lines, err := p.h.linesOf(p.r, scope, in, wanted)
	if err != nil {
		return nil, err
	}
	if old != nil {
		changed := make(map[string]bool, len(wanted))
		for _, w := range wanted {
			changed[w.record] = true
		}
		if err := old.eachLine(func(record string, line []byte) error {
			if !changed[record] {
				lines[record] = line
			}
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return pack(lines)
}

// sendChunk sends a chunk in its parts, with a mark behind each but the last,
// which the caller sees to: as they are packed, or line by line where the device
// has its beginning.
func (p *pull) sendChunk(u *unit) error {
	parts, lines := u.chunk.lines.Parts, 0
	if p.unmarked > 0 && p.unmarked+parts[0].Size > markBytes {
		if err := p.markFrom(0); err != nil {
			return err
		}
	}
	for i := range parts {
		if lines += parts[i].Lines; lines <= u.after {
			continue
		}
		if !p.lasts(u.gained.scope) {
			return ErrAccessEnded
		}
		var err error
		if u.after > 0 {
			err = p.sendBehind(u.chunk, i, u.after-(lines-parts[i].Lines))
		} else {
			p.unmarked += parts[i].Size
			err = p.to.Packed(u.chunk.lines, i)
		}
		if err != nil || i+1 == len(parts) {
			return err
		}
		p.came = u.then
		p.came.rank, p.came.access, p.came.record = u.gained.rank, u.gained.access, u.chunk.records[lines-1]
		if err := p.markFrom(0); err != nil {
			return err
		}
	}
	return nil
}

// sendBehind sends the lines of a part behind some of them.
func (p *pull) sendBehind(c *chunk, part, some int) error {
	plain, err := c.lines.Plain(part)
	if err != nil {
		return err
	}
	for line := range bytes.Lines(plain) {
		if some--; some >= 0 {
			continue
		}
		if err := p.sendRow(line); err != nil {
			return err
		}
	}
	return nil
}
