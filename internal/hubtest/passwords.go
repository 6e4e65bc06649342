package hubtest

import (
	"testing"

	"github.com/pocketbase/pocketbase/core"
)

// passwordCost is bcrypt's least (golang.org/x/crypto/bcrypt.MinCost): a test
// with a dozen accounts would spend most of its time on hashes, and under the
// race detector minutes.
const passwordCost = 4

// CheapPasswords makes the passwords that are set from here on cheap to check.
// It alters what this process holds of the collections, never the database.
func CheapPasswords(t testing.TB, app core.App) {
	t.Helper()
	for _, name := range []string{"accounts", core.CollectionNameSuperusers} {
		c, err := app.FindCachedCollectionByNameOrId(name)
		if err != nil {
			t.Fatalf("finding %s: %v", name, err)
		}
		c.Fields.GetByName(core.FieldNamePassword).(*core.PasswordField).Cost = passwordCost
	}
}
