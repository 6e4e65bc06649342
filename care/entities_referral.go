package care

var referralEntities = []*Entity{}
