package collections

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"portolan/care"
)

// endingsMax is how many uploads one Tend ends.
const endingsMax = 256

// overUploads are the uploads whose time is over. What is aside has none before
// somebody decided about it.
const overUploads = `expires_at <= ? AND (aside = 0 OR done_at != '')`

// endUploads ends the uploads whose time is over. Of one that never became
// whole its owner is told, by a task: the file is still with them, or lost, and
// nobody else knows.
func (h *Hub) endUploads(ctx context.Context) error {
	over, err := uploadsWhere(reader{ctx, h.readDB()}, overUploads+` ORDER BY expires_at LIMIT ?`, care.FormatTime(h.now()), endingsMax)
	if err != nil || len(over) == 0 {
		return err
	}
	idle := over[:0]
	for _, u := range over {
		if p := h.partials.seizeIdle(u.ID); p != nil { // else its next byte comes at this moment
			defer h.partials.letGo(p)
			idle = append(idle, u)
		}
	}
	var ended []string
	err = h.enter(ctx, h.HubActor(), func(s *session) error {
		ended = ended[:0]
		for _, u := range idle {
			over, err := s.endUpload(u)
			if err != nil {
				return err
			}
			if over {
				ended = append(ended, u.ID)
			}
		}
		return nil
	})
	for i := 0; err == nil && i < len(ended); i++ {
		err = h.removeUpload(ended[i])
	}
	return err
}

// endUpload ends an upload, unless its end moved on since it was read.
func (s *session) endUpload(u uploadRow) (over bool, err error) {
	result, err := s.t.exec(`DELETE FROM uploads WHERE id = ? AND `+overUploads, u.ID, s.nowText)
	if err != nil {
		return false, wrap("ending an upload", err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return false, wrap("ending an upload", err)
	}
	if u.unsent {
		return true, nil // half of one is on its tablet still, and comes again
	}
	var there bool // brought by somebody else, or at another time
	err = s.t.row(`SELECT EXISTS (SELECT 1 FROM contents WHERE document = ?)`, u.document).Scan(&there)
	if err != nil || there || u.done {
		return true, wrap("ending an upload", err)
	}
	doc, ok := s.world().Row("documents", u.document)
	if !ok {
		return true, nil
	}
	return true, s.consequence(care.FileMissing(s.world(), doc, u.staff, u.ID), doc.Org)
}

func uploadsWhere(q querier, where string, args ...any) (list []uploadRow, err error) {
	rows, err := q.rows(uploadColumns+` WHERE `+where, args...)
	if err != nil {
		return nil, wrap("reading uploads", err)
	}
	defer rows.Close()
	for rows.Next() {
		var u uploadRow
		if err := u.scan(rows.Scan); err != nil {
			return nil, wrap("reading uploads", err)
		}
		list = append(list, u)
	}
	return list, wrap("reading uploads", rows.Err())
}

// eraseUploads ends the uploads whose keys were destroyed.
func (h *Hub) eraseUploads(ctx context.Context, one ErasedCase) error {
	list, err := uploadsWhere(reader{ctx, h.readDB()}, `case_id = ?`, one.Case)
	for _, u := range list {
		if _, err := h.terms(&u); !errors.Is(err, ErrErased) {
			if err != nil {
				return err
			}
			continue
		}
		if err := h.dropUpload(ctx, u.ID); err != nil {
			return err
		}
	}
	return err
}

// forgetContent forgets where the bytes lie that a file held, of every document
// that has them.
func (h *Hub) forgetContent(ctx context.Context, file string) error {
	return h.writer.write(ctx, func(t *tx) error {
		_, err := t.exec(`DELETE FROM contents WHERE file = ?`, file)
		return wrap("forgetting where bytes lie", err)
	})
}

// dropUpload ends an upload on which somebody may be working: nobody does when
// it returns, and nothing of it is there.
func (h *Hub) dropUpload(ctx context.Context, id string) error {
	h.reached("upload ends")
	p, err := h.partials.seize(ctx, id)
	if err != nil {
		return err
	}
	defer h.partials.letGo(p)
	return h.destroyUpload(ctx, id)
}

// destroyUpload destroys what has come of an upload, with its key. Its turn is
// held.
func (h *Hub) destroyUpload(ctx context.Context, id string) error {
	err := h.writer.write(ctx, func(t *tx) error {
		_, err := t.exec(`DELETE FROM uploads WHERE id = ?`, id)
		return wrap("ending an upload", err)
	})
	if err != nil {
		return err
	}
	return h.removeUpload(id)
}

// sweepUploads removes what lies in the folder of uploads and is none: it ended
// while the hub died, or belongs to a database that a restore replaced.
func (h *Hub) sweepUploads(ctx context.Context) error {
	dir := filepath.Join(h.dir, uploadsDir)
	found, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return wrap("sweeping the uploads", err)
	}
	for _, f := range found {
		var known bool
		err := reader{ctx, h.readDB()}.row(`SELECT EXISTS (SELECT 1 FROM uploads WHERE id = ? AND (done_at = '' OR aside > 0))`, f.Name()).Scan(&known)
		if err == nil && !known {
			err = os.Remove(filepath.Join(dir, f.Name()))
		}
		if err != nil {
			return wrap("sweeping the uploads", err)
		}
	}
	return nil
}
