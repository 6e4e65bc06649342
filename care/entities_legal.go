package care

var legalEntities = []*Entity{}
