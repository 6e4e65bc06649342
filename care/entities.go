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
