package pb_migrations

import (
	"fmt"

	"github.com/pocketbase/pocketbase/core"
	m "github.com/pocketbase/pocketbase/migrations"
)

// uuidPattern is a UUIDv7 in lower case (RFC 9562 §5.7).
const uuidPattern = `^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`

const uuidLength = 36

// tokenSeconds is how long a sign-in at the desk lasts: one long shift.
const tokenSeconds = 12 * 60 * 60

// uuidIDs makes a collection's ids UUIDv7, with the index that PocketBase's
// check of a new id needs to stay flat: it compares with NOCASE, which the
// primary key cannot serve.
func uuidIDs(c *core.Collection) {
	id := c.Fields.GetByName("id").(*core.TextField)
	id.Min, id.Max, id.Pattern, id.AutogeneratePattern = uuidLength, uuidLength, uuidPattern, ""
	c.AddIndex("idx_"+c.Name+"_id", true, "`id` COLLATE NOCASE", "")
}

func init() {
	m.Register(func(app core.App) error {
		if users, err := app.FindCollectionByNameOrId("users"); err == nil {
			if err := app.Delete(users); err != nil {
				return fmt.Errorf("removing the sample collection: %w", err)
			}
		}
		c := core.NewAuthCollection("accounts")
		uuidIDs(c)
		c.Fields.Add(&core.TextField{Name: "login", Required: true, Min: 2, Max: 80, Pattern: `^[a-z0-9][a-z0-9._@-]+$`})
		c.AddIndex("idx_accounts_login", true, "`login`", "")
		email := c.Fields.GetByName("email").(*core.EmailField)
		email.Required = false
		c.PasswordAuth.Enabled = true
		c.PasswordAuth.IdentityFields = []string{"login"}
		c.AuthAlert.Enabled = false
		c.AuthToken.Duration = tokenSeconds
		open := ""
		c.AuthRule = &open // whoever knows the password; all other rules stay nil: closed
		if err := app.Save(c); err != nil {
			return fmt.Errorf("accounts: %w", err)
		}
		return nil
	}, nil)
}
