package scenario

import (
	"fmt"
	"slices"
	"strings"

	"evergreen/discordsim/scenarios"
)

// Names lists the scenarios that come with the simulator, sorted.
func Names() (names []string) {
	files, err := scenarios.Files.ReadDir(".")
	if err != nil {
		panic("scenario: the library is missing: " + err.Error())
	}
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".yaml"))
	}
	slices.Sort(names)
	return names
}

// Named reads one of [Names].
func Named(name string) (*Scenario, error) {
	file := name + ".yaml"
	content, err := scenarios.Files.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("there is no scenario %q%s", name, suggest(name, Names()))
	}
	return Read("scenarios/"+file, content)
}
