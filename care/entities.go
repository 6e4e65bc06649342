package care

import "slices"

// Schema is every collection, in the order in which records are synced and
// shown. Each group stands in a file of its own.
var Schema = slices.Concat(
	organisationEntities,  // entities_organisation.go
	caseEntities,          // entities_case.go
	shelterEntities,       // entities_shelter.go
	healthEntities,        // entities_health.go
	legalEntities,         // entities_legal.go
	reintegrationEntities, // entities_reintegration.go
	referralEntities,      // entities_referral.go
	recordEntities,        // entities_record.go
)

// collectionNames lists the collections of a schema, for fields that name one.
func collectionNames(schema []*Entity) []string {
	names := make([]string, len(schema))
	for i, e := range schema {
		names[i] = e.Name
	}
	return names
}
