package care

var healthEntities = []*Entity{}
