package care

var healthCodes = []*CodeList{}
