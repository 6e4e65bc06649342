package care

var reintegrationEntities = []*Entity{}
