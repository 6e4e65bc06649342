package care

// SchemaVersion counts the releases in which a field was added. An app says
// with each change which one it knew.
const SchemaVersion = 1
