package care

var caseEntities = []*Entity{}
