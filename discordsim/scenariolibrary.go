package discordsim

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed scenarios/*.yaml
var library embed.FS

// Scenarios lists the names of the scenarios that come with the simulator (S-102),
// sorted.
func Scenarios() (names []string) {
	files, err := library.ReadDir("scenarios")
	if err != nil {
		panic("discordsim: the scenarios are missing: " + err.Error())
	}
	for _, f := range files {
		names = append(names, strings.TrimSuffix(f.Name(), ".yaml"))
	}
	slices.Sort(names)
	return names
}

// NamedScenario reads one of [Scenarios].
func NamedScenario(name string) (*Scenario, error) {
	file := "scenarios/" + name + ".yaml"
	text, err := library.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("there is no scenario %q%s", name, allowed(name, Scenarios()))
	}
	return ReadScenario(file, text)
}
