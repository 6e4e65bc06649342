package hooks

import (
	"context"
	"net/http"

	"portolan/collections"
	fieldsync "portolan/sync"
)

// A hub whose key was not given yet says that it is there, takes what tablets
// bring, and does nothing else (docs/operating.md, "A locked hub").

// whileLocked answers a request to a locked hub, except about its health, and for the app.
func (f *Front) whileLocked(w http.ResponseWriter, r *http.Request, door route) error {
	switch door.path {
	case "/api/portolan/health", "/api/health", "/", "/app/{file}", "/worker.js", "/app.webmanifest":
		return nil
	case "/api/portolan/sync":
		return f.takeLocked(w, r)
	}
	return collections.ErrLocked
}

// takeLocked keeps a push unread.
func (f *Front) takeLocked(w http.ResponseWriter, r *http.Request) error {
	// Before anything large is read: whose it is.
	signed, sig, err := fieldsync.ParseRequest(r.Header.Get("Authorization"), r.Method, r.URL.Path)
	if err != nil {
		return errTokenInvalid
	}
	who, err := f.hub.SignedAtLocked(r.Context(), signed, sig)
	if err == nil {
		err = f.metered(who, route{})
	}
	if err != nil {
		return err
	}
	release, err := f.readers.take(r.Context(), who)
	if err != nil {
		return err
	}
	defer release()
	r = r.WithContext(context.WithValue(r.Context(), signedBody{}, signed.Body))
	body, err := readJSON(w, r, r.Body, fieldsync.PushBytesMax)
	if err != nil {
		return err
	}
	push, err := fieldsync.DecodePush(body)
	if err != nil {
		return err
	}
	return f.hub.TakeLocked(r.Context(), signed.Replica, body, push)
}
