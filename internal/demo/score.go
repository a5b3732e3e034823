package demo

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/mishap"
)

// Score is where things stand.
type Score struct {
	Elapsed time.Duration
	// Online is whether the dot is green now, Status what the bot says of itself.
	Online bool
	Status string
	// Latency is the last heartbeat's round trip; 0 while unknown.
	Latency time.Duration
	// Up is the time since the first READY.
	Up time.Duration
	// Verdict is the simulator's count.
	Verdict discordsim.Verdict
	// Mishaps counts them; Now is the one that is going on, for NowFor; nil
	// when all is well.
	Mishaps int
	// Pressed counts those of them that a person has set over the control API.
	Pressed int
	Now     *mishap.Occurrence
	NowFor  time.Duration
	// AtRisk and Replayed sum those of all episodes. Longest is the longest time at
	// risk in one. Unforced is how long the dot was grey although the strike had left
	// the session alive.
	AtRisk, Longest, Unforced time.Duration
	Replayed                  int
	// Finishing means that users have stopped asking.
	Finishing bool
	// Proxied is how the bot behind the proxy is; nil for ResearchBot.
	Proxied *ProxiedScore
}

// OnlinePercent is for how much of the time since the first READY a viewer saw
// the dot green, in percent.
func (s Score) OnlinePercent() float64 {
	total := s.Verdict.Online + s.Verdict.Offline
	if total <= 0 {
		return 0
	}
	// Rounded down: only what was never grey is 100 %.
	return float64(int(1000*float64(s.Verdict.Online)/float64(total))) / 10
}

// Summary is how it ended.
type Summary struct {
	Score
	Seed uint64
	// Kinds counts the strikes by name.
	Kinds map[string]int
	// Failures says what went wrong that must not, one sentence each; empty when
	// the demo has passed.
	Failures []string
}

// Passed reports whether nothing was lost, nothing answered twice and no rule
// broken.
func (s Summary) Passed() bool { return len(s.Failures) == 0 }

// maxListed bounds the lists of what went wrong.
const maxListed = 5

// failures says what must not have happened.
func failures(v discordsim.Verdict, unanswered []string) (all []string) {
	if v.Asked == 0 {
		all = append(all, "Nobody could ask anything: the bot was never online.")
	}
	if v.Lost > 0 {
		all = append(all, fmt.Sprintf("%s never answered: %s.", times(v.Lost, "One command was", "commands were"), joinFirst(unanswered)))
	}
	if v.Waiting > 0 {
		all = append(all, fmt.Sprintf("%s still without an answer at the end.", times(v.Waiting, "One command was", "commands were")))
	}
	if v.Twice > 0 {
		all = append(all, fmt.Sprintf("%s answered twice.", times(v.Twice, "One command was", "commands were")))
	}
	if n := len(v.Violations); n > 0 {
		broken := make([]string, 0, n)
		for _, one := range v.Violations {
			broken = append(broken, one.Statement+" "+one.What)
		}
		all = append(all, fmt.Sprintf("%s broken: %s.", times(n, "One rule of Discord's was", "times a rule of Discord's was"), joinFirst(broken)))
	}
	return all
}

// joinFirst lists the first few of what there is to say.
func joinFirst(list []string) string {
	if len(list) > maxListed {
		list = append(slices.Clone(list[:maxListed]), "...")
	}
	return strings.Join(list, "; ")
}

// kinds lists the strikes by name, the most frequent first.
func kinds(counted map[string]int) string {
	names := make([]string, 0, len(counted))
	for name := range counted {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		if counted[a] != counted[b] {
			return counted[b] - counted[a]
		}
		return strings.Compare(a, b)
	})
	for i, name := range names {
		if n := counted[name]; n > 1 {
			names[i] = fmt.Sprintf("%s x%d", name, n)
		}
	}
	return strings.Join(names, ", ")
}

// times says a number with its noun; for 1 the singular alone, which may have another
// number word.
func times(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return fmt.Sprintf("%d %s", n, many)
}
