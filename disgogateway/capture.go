package disgogateway

// disgo's options are functions on structs whose names it keeps to itself, while
// their fields are open to all. Type inference can name what this package
// cannot: a blank struct that the options can be applied to and that is read
// afterwards. Should a field disappear from disgo, this package does not compile.

// newConfig makes an empty value of what the options are for.
func newConfig[O ~func(*C), C any](_ []O) *C { return new(C) }

// capture makes an option that remembers what it is applied to and then calls then.
func capture[O ~func(*C), C any](_ O, then func()) (**C, O) {
	kept := new(*C)
	return kept, func(c *C) {
		*kept = c
		then()
	}
}

// combine makes one option of several.
func combine[O ~func(*C), C any](options ...O) O {
	return func(c *C) {
		for _, option := range options {
			option(c)
		}
	}
}
