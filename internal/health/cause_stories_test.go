package health

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// storyOf is the test of each cause that is not in [simulatedCauses], because it
// takes more than faults: in this package, or in the one named before it.
var storyOf = map[CauseID]string{
	ProcessGone:          "cmd/evergreen TestGapBetweenProcessesIsTold",
	PlannedStop:          "cmd/evergreen TestGapBetweenProcessesIsTold",
	ProgramCrashed:       "cmd/evergreen TestGapBetweenProcessesIsTold",
	DeployGoodbye:        "internal/app TestDeployByGoodbyeIsTold",
	HostIdles:            "internal/app TestSleepingHostIsTold",
	SupervisorGaveUp:     "internal/app TestSupervisorThatGaveUpIsTold",
	TwoInstances:         "internal/app TestSecondProgramIsTold",
	ProxyFailed:          "internal/app TestProxyThatIsAwayIsNamed",
	MemoryShort:          "internal/app TestShortMemoryIsSaid",
	OutOfMemory:          "internal/store TestEveryEndIsExplained", // nothing can make a kernel kill this process alone
	HostRebooted:         "internal/store TestEveryEndIsExplained", // nor boot
	HostSlept:            "TestSleepOfTheHostIsTold",
	ProcessStalled:       "TestProcessThatStoodStillIsTold",
	IPv6NoRoute:          "TestBrokenIPv6IsTold",
	IdentifyBudget:       "TestSavedBudgetIsTold",
	SlowHandlers:         "TestSlowHandlersAreTold",
	GreenButUseless:      "TestUselessIsTold",
	CommandsUnregistered: "internal/app TestUnregisteredCommandsAreTold",
	DiskTrouble:          "TestDiskTroubleIsTold",
	BotAway:              "internal/sidecar TestABotThatIsAwayIsTold",
	BotHangs:             "internal/sidecar TestABotThatHangsIsTold",
	BotCrashLoop:         "internal/sidecar TestACrashLoopIsTold",
	EventsLost:           "internal/sidecar TestLostEventsAreTold",
	AnswersBlocked:       "TestAnswersThatDoNotGetOutAreTold",
}

// Every cause of the catalogue has a story that ends in an incident which names
// it, or a reason why there cannot be one.
func TestEveryCauseHasItsStory(t *testing.T) {
	for _, c := range Catalogue {
		named, told := storyOf[c.ID]
		faults := slices.ContainsFunc(simulatedCauses, func(s simulatedCause) bool { return s.cause == c.ID })
		if c.Undetectable != "" {
			if told || faults {
				t.Errorf("%s has a story, and the catalogue says that there is none: %s", c.ID, c.Undetectable)
			}
			continue
		}
		if !told {
			if !faults {
				t.Errorf("%s has neither a story nor a reason why software cannot see it", c.ID)
			}
			continue
		}
		place, name, apart := strings.Cut(named, " ")
		if !apart {
			place, name = "internal/health", named
		}
		if !hasTest(t, place, name) {
			t.Errorf("%s: there is no test %s in %s", c.ID, name, place)
		}
	}
	for id := range storyOf {
		if Lookup(id).ID != id {
			t.Errorf("%s is not in the catalogue", id)
		}
	}
}

// hasTest looks for a test in the files of a package.
func hasTest(t *testing.T, place, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", filepath.FromSlash(place), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(t *testing.T)") {
			return true
		}
	}
	return false
}
