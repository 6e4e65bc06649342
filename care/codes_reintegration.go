package care

var reintegrationCodes = []*CodeList{}
