package scenario_test

import (
	"fmt"

	"evergreen/discordsim/scenario"
)

// A day that goes wrong, written down by a person.
func ExampleRead() {
	evening, err := scenario.Read("evening.yaml", []byte(`
name: a-bad-evening
says: The gateway closes every connection twice.
steps:
  - at: 5m
    fault: close
    code: 1001
  - after: 5m
    fault: cut
expect:
  gap: 10s
  identifies: 1
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(evening.Name, "lasts", evening.Length())
	_, err = scenario.Read("wrong.yaml", []byte("name: wrong\nsays: It names a fault that is not there.\nsteps:\n  - at: 1m\n    fault: cuts\n"))
	fmt.Println(err)
	// Output:
	// a-bad-evening lasts 11m0s
	// wrong.yaml:5: there is no fault "cuts"; did you mean "cut"?
}
