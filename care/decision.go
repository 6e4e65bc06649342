package care

import "time"

// Role is what a member of staff does. Each carries named powers and the
// compartments that its holder may be granted (roles.go).
type Role string

const (
	Outreach          Role = "outreach"
	Coordinator       Role = "coordinator"
	HealthWorker      Role = "health"
	LegalWorker       Role = "legal"
	ReintegrationRole Role = "reintegration"
	ProtectionOfficer Role = "protection_officer"
	Auditor           Role = "auditor"
	Operator          Role = "operator"
)

// Roles in the order in which they are shown.
var Roles = []Role{Outreach, Coordinator, HealthWorker, LegalWorker, ReintegrationRole, ProtectionOfficer, Auditor, Operator}

// Power is a named act that a role may do beyond reading and writing what it
// was granted.
type Power string

const (
	MayGrant   Power = "grant"   // give a colleague a compartment of a case
	MayEnrol   Power = "enrol"   // make enrolment codes, revoke tablets
	MayApprove Power = "approve" // second person of a two-person act, decide held changes and safer questions
	MayExport  Power = "export"
	MayErase   Power = "erase"
	MayAudit   Power = "audit"  // events, never contents
	MayBeds    Power = "beds"   // facilities, units, beds
	MayPeople  Power = "people" // staff, teams
	MayOperate Power = "operate"
)

// Grant lets one person see one compartment of one case until a date.
type Grant struct {
	ID          string
	Case        string
	Compartment Compartment
	Until       time.Time // zero only for the hub itself
	BreakGlass  bool      // taken in an emergency: for reading and writing at the desk, and for nothing that leaves it (R30)
}

// Actor is who asks: a member of staff, on a device or not, or the hub itself.
type Actor struct {
	Staff  string // id; HubActor's is HubStaff
	Org    string
	Roles  []Role
	Device string // "" for the console and the hub's own jobs
	Grants []Grant
	// Unproved is somebody who signed in with a password where more is asked
	// of them: they have no power and see nothing.
	Unproved bool
	// Emergency is somebody at the desk whom the hub lets break the glass: they
	// may write a grant to themselves, and nothing else by it (R30).
	Emergency bool
}

// HubStaff is the author of what the hub does by its own rules. It is a fixed
// UUIDv7 of the first millisecond, so that it can never be minted again.
const HubStaff = "00000000-0000-7000-8000-000000000001"

// Act is what somebody wants to do with a datum.
type Act string

const (
	Read  Act = "read"
	Write Act = "write"
	// Carry is reading for something that leaves the desk and stays elsewhere:
	// a tablet's store, a paper, a file.
	Carry Act = "carry"
)

// Target is what they want to do it to: fields of one compartment of one
// record, or a topic of an organisation.
type Target struct {
	Collection  string
	Org         string
	Case        string
	Topic       Topic
	Compartment Compartment
}

// Reason is the stable code of why a decision fell as it did. Each has a
// message in the catalogue under "reason.<code>".
type Reason string

// Decision is the answer of MaySee and MayShare. It is written to the audit
// log before anything is disclosed.
type Decision struct {
	Allowed bool
	Reason  Reason
	Basis   string    // id of the grant or consent that decided, "" where none did
	Until   time.Time // when the decision stops being true, zero where no date bounds it
}
