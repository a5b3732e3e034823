package judge

// Without leaves steps out of a judgement: those that cost a test much and show
// it nothing.
func (o Options) Without(steps ...string) Options {
	o.without = steps
	return o
}
