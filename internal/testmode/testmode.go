// Package testmode says how thorough the tests are and how many run at once.
//
// go test ./... is quick. What takes minutes (fifty restarts of a real process,
// many days of virtual time, builds for other systems) runs in full where the
// environment has EVERGREEN_TEST_FULL=1, as .ci/run does, and short elsewhere.
package testmode

import (
	"flag"
	"os"
	"strconv"
)

// Full reports whether slow tests run in full.
func Full() bool { return os.Getenv("EVERGREEN_TEST_FULL") == "1" }

// Count is how often a slow test repeats itself: full times where [Full], else
// quick times.
func Count(full, quick int) int {
	if Full() {
		return full
	}
	return quick
}

// waiters is how many tests that mostly wait may run at once.
const waiters = 16

// Waiting lets more tests marked parallel run at once than there are processors.
// It is for the TestMain of a package whose tests wait for real time and compute
// little. The flag -parallel overrides it.
func Waiting() {
	if err := flag.Set("test.parallel", strconv.Itoa(waiters)); err != nil {
		panic("testmode: not in a test: " + err.Error())
	}
}
