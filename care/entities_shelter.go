package care

var shelterEntities = []*Entity{}
