package care

var organisationEntities = []*Entity{}
