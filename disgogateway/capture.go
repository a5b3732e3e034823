package disgogateway

// disgo's options are functions on structs whose type names are not exported, while
// their fields are. Type inference can name what this package cannot: an empty struct
// that the options are applied to and that is read afterwards. If a field disappears
// from disgo, this package does not compile.

// newConfig returns an empty value of the type the options are for.
func newConfig[O ~func(*C), C any](_ []O) *C { return new(C) }

// capture returns an option that stores what it is applied to and then calls then.
func capture[O ~func(*C), C any](_ O, then func()) (**C, O) {
	captured := new(*C)
	return captured, func(c *C) {
		*captured = c
		then()
	}
}

// combine returns one option that applies several.
func combine[O ~func(*C), C any](options ...O) O {
	return func(c *C) {
		for _, option := range options {
			option(c)
		}
	}
}
