package care

var recordEntities = []*Entity{}
