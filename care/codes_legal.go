package care

var legalCodes = []*CodeList{}
