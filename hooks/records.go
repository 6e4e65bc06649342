package hooks

import (
	"strings"

	"github.com/pocketbase/pocketbase/core"

	"portolan/care"
)

// bindRecords refuses what PocketBase could do to records behind the one
// door. The routes are closed already (doors.go) and the tables have
// triggers; this is the wall between the two.
func (f *Front) bindRecords() {
	f.app.OnRecordsListRequest().BindFunc(func(*core.RecordsListRequestEvent) error { return care.ErrNotFound })
	refuse := func(*core.RecordRequestEvent) error { return care.ErrNotFound }
	f.app.OnRecordViewRequest().BindFunc(refuse)
	f.app.OnRecordCreateRequest().BindFunc(refuse)
	f.app.OnRecordUpdateRequest().BindFunc(refuse)
	f.app.OnRecordDeleteRequest().BindFunc(refuse)
	f.app.OnFileDownloadRequest().BindFunc(func(*core.FileDownloadRequestEvent) error { return care.ErrNotFound })
	f.app.OnBatchRequest().BindFunc(func(*core.BatchRequestEvent) error { return care.ErrNotFound })

	write := func(e *core.RecordEvent) error {
		if name := e.Record.Collection().Name; name != accounts && (!strings.HasPrefix(name, "_") || name == core.CollectionNameSuperusers) {
			return errPastDoor
		}
		return e.Next()
	}
	f.app.OnRecordCreate().BindFunc(write)
	f.app.OnRecordUpdate().BindFunc(write)
	f.app.OnRecordDelete().BindFunc(write)

	// The schema is what the migrations made it, while the hub runs.
	frozen := func(*core.CollectionEvent) error { return errPastDoor }
	f.app.OnCollectionCreate().BindFunc(frozen)
	f.app.OnCollectionUpdate().BindFunc(frozen)
	f.app.OnCollectionDelete().BindFunc(frozen)
}

var errPastDoor = &care.Error{Code: "past_the_door", Kind: care.Unprocessed, Hint: "Records are written through the door alone."}
