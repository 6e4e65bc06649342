package fieldsync

// HLC is a hybrid logical clock (Kulkarni et al. 2014) as 16 lower-case hex
// digits, so that the order of strings is the order of time: 12 digits of
// milliseconds since 1970, 4 digits of a counter.
type HLC string
