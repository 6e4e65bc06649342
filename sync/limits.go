package fieldsync

// The limits of the wire. Both ends keep them; docs/protocol.md, "Limits".
const (
	ProtocolVersion  = 1
	PullVersionMin   = 1         // the oldest version to which what is new is given; pushes of all are taken
	PushBytesMax     = 4 << 20   // bytes of one push's body, after decompression
	PushChangesMax   = 500       // changes in one push
	ChangeBytesMax   = 256 << 10 // bytes of one change
	SealedBytesMax   = 360 << 10 // bytes of one that is sealed: base64, with the hub's part of the key
	DepthMax         = 8         // nested arrays and objects in one change
	ChangeFieldsMax  = 256       // fields in one change
	ElementsMax      = 256       // elements added to, or removed from, one field in one change
	ElementBytesMax  = 1 << 10   // bytes of one element
	BaseDotsMax      = 1024      // versions named in one field's base
	HeadsMax         = 1024      // versions kept beside each other in one field; what comes above is held
	NameBytesMax     = 64        // bytes of a collection's or field's name
	GroupBytesMax    = 64        // bytes of a group's name
	CursorBytesMax   = 4 << 10   // bytes of a cursor
	LineBytesMax     = 8 << 20   // bytes of one line of the answer
	LogKeysMax       = 16        // heads in which the audit log's key named the next one
	ProofHashesMax   = 106       // hashes in a proof about the audit log
	SaltBytes        = 16        // random bytes in each change
	NumberMax        = 1<<53 - 1 // largest n: what JavaScript counts exactly
	SchemaVersionMax = 1 << 20
)

// Codes of what the decoders refuse. Each is a care.Error of kind Invalid or
// TooLarge, listed in docs/protocol.md, "Errors".
const (
	CodeJSON         = "json_malformed"    // not JSON, or something behind it
	CodeUTF8         = "utf8_malformed"    // a string is not UTF-8, or holds half a surrogate pair
	CodeDepth        = "json_too_deep"     // more than DepthMax levels
	CodeMember       = "member_unknown"    // a member that this version does not know
	CodeTwice        = "member_twice"      // a member, field or element named twice
	CodeMissing      = "member_missing"    // a member that must be there is not
	CodeType         = "member_type"       // a member of another type than it must have
	CodeID           = "id_malformed"      // not a UUIDv7 in lower case
	CodeName         = "name_malformed"    // a collection, field or group name out of its alphabet
	CodeClock        = "clock_malformed"   // not a hybrid logical clock
	CodeTime         = "time_malformed"    // not a time as care.TimeFormat writes it
	CodeDot          = "version_malformed" // not the name of a version
	CodeScope        = "scope_malformed"   // not a scope
	CodeLink         = "link_malformed"    // not a link of the chain
	CodeDigest       = "digest_malformed"  // not a digest
	CodeSalt         = "salt_malformed"    // not 16 bytes as base64url
	CodeNumber       = "number_malformed"  // n, or a counter, out of its range
	CodeGap          = "numbers_gap"       // the changes of a push are not numbered one after the other
	CodeVersion      = "protocol_version"  // a version of the protocol that this end does not speak
	CodePushTooLarge = "push_too_large"    // over PushBytesMax or PushChangesMax
	CodeTooLarge     = "change_too_large"  // over ChangeBytesMax, or another limit inside one change
	CodeLineTooLarge = "line_too_large"    // over LineBytesMax
)

// Reasons for which a register keeps a version aside.
const (
	HeldWrittenOnce  = "written_once"      // the field is written once, and already says something else
	HeldNotASet      = "not_a_set"         // elements for a field that holds one value
	HeldIsASet       = "is_a_set"          // one value for a field that holds a set
	HeldTooManyHeads = "too_many_versions" // over HeadsMax undecided versions
)
