package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"evergreen/discordsim"
)

// Totals is what is counted of a year, or of many.
type Totals struct {
	// Years is how many there were, Passed how many the bot got through.
	Years, Passed int
	// Lived is how much virtual time passed, Took how much real time.
	Lived, Took time.Duration
	// Mishaps counts what went wrong, by its name.
	Mishaps map[string]int

	Asked, Answered, Lost, Twice, Unheard int
	GivenUp                               int // of Lost: no bot could have answered them
	Dials, Identifies, Resumes, Resumed   int
	MostInHour, MostInDay                 int // IDENTIFYs
	Violations                            int
	Starts                                int // of the process
	Green, Grey                           time.Duration
	Down                                  time.Duration // the process was not there
	Asleep                                time.Duration // the host slept; not part of Lived
	Unreachable                           time.Duration // no client could have been online
	WaitedForBudget                       time.Duration // the budget of IDENTIFYs had to be kept
	Returns, PromptReturns                int           // how often the bot came back, and within 5 s
	LongestAway, LongestGrey              time.Duration // while a perfect client would have been online
	ProxyTotals
	Heap       uint64
	Goroutines int
}

// ProxyTotals is what is counted of a bot behind the proxy.
type ProxyTotals struct {
	BotStarts          int
	Events, Again      int // that the bot got, and those that it got again
	EventsLost         int // and were told as lost
	SetAside           int // because they ended the bot
	Told               int // interactions that were answered for it
	Untold             int // interactions that nobody answered, because REST or the process was away
	Proven             int // commands that the bot got, and whose answers were counted
	InteractionsJudged int // those that had to be answered in time
	Settled            int // how often bot and truth were compared
	MostFiles          int
	MostBytes          int64
}

// count takes over what the simulator counts.
func (t *Totals) count(v discordsim.Verdict) {
	t.Asked, t.Answered, t.Lost, t.Twice, t.Unheard = v.Asked, v.Answered, v.Lost, v.Twice, v.Unheard
	t.Dials, t.Identifies, t.Resumes, t.Resumed = v.Dials, v.Identifies, v.Resumes, v.Resumed
	t.Violations, t.Green, t.Grey = len(v.Violations), v.Online, v.Offline
}

// Add adds another year.
func (t *Totals) Add(o Totals) {
	if t.Mishaps == nil {
		t.Mishaps = map[string]int{}
	}
	for name, n := range o.Mishaps {
		t.Mishaps[name] += n
	}
	for _, sum := range []struct {
		to   *int
		more int
	}{
		{&t.Years, o.Years}, {&t.Passed, o.Passed}, {&t.Asked, o.Asked}, {&t.Answered, o.Answered}, {&t.Lost, o.Lost}, {&t.Twice, o.Twice},
		{&t.Unheard, o.Unheard}, {&t.GivenUp, o.GivenUp}, {&t.Dials, o.Dials}, {&t.Identifies, o.Identifies}, {&t.Resumes, o.Resumes}, {&t.Resumed, o.Resumed},
		{&t.BotStarts, o.BotStarts}, {&t.Events, o.Events}, {&t.Again, o.Again}, {&t.EventsLost, o.EventsLost}, {&t.SetAside, o.SetAside}, {&t.Told, o.Told},
		{&t.Untold, o.Untold}, {&t.Proven, o.Proven}, {&t.InteractionsJudged, o.InteractionsJudged}, {&t.Settled, o.Settled},
		{&t.Violations, o.Violations}, {&t.Starts, o.Starts}, {&t.Returns, o.Returns}, {&t.PromptReturns, o.PromptReturns},
	} {
		*sum.to += sum.more
	}
	for _, sum := range []struct {
		to   *time.Duration
		more time.Duration
	}{
		{&t.Lived, o.Lived}, {&t.Took, o.Took}, {&t.Green, o.Green}, {&t.Grey, o.Grey}, {&t.Down, o.Down}, {&t.Asleep, o.Asleep}, {&t.Unreachable, o.Unreachable}, {&t.WaitedForBudget, o.WaitedForBudget},
	} {
		*sum.to += sum.more
	}
	t.LongestAway, t.LongestGrey = max(t.LongestAway, o.LongestAway), max(t.LongestGrey, o.LongestGrey)
	t.MostInHour, t.MostInDay = max(t.MostInHour, o.MostInHour), max(t.MostInDay, o.MostInDay)
	t.MostFiles, t.MostBytes = max(t.MostFiles, o.MostFiles), max(t.MostBytes, o.MostBytes)
	t.Heap, t.Goroutines = max(t.Heap, o.Heap), max(t.Goroutines, o.Goroutines)
}

// String is the totals for a person, over several lines.
func (t Totals) String() string {
	days := t.Lived.Hours() / 24
	n := 0
	var kinds []string
	for _, name := range slices.Sorted(maps.Keys(t.Mishaps)) {
		n += t.Mishaps[name]
		kinds = append(kinds, fmt.Sprintf("%d %s", t.Mishaps[name], name))
	}
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-10s "+format+"\n", append([]any{name}, args...)...)
	}
	line("lived", "%.0f days in %s (%.0f days a second)", days, t.Took.Round(100*time.Millisecond), days/t.Took.Seconds())
	line("mishaps", "%d: %s", n, strings.Join(kinds, ", "))
	if t.BotStarts > 0 {
		line("events", "%d reached the bot, in the order of their guilds; %d lost and told, %d again after the end of a bot, %d set aside", t.Events, t.EventsLost, t.Again, t.SetAside)
		line("bot", "%d starts; %d commands heard and answered, %d given up; %d interactions answered in time, %d answered for the bot, %d unanswered because REST or the process was away",
			t.BotStarts, t.Proven, t.GivenUp, t.InteractionsJudged, t.Told, t.Untold)
		line("truth", "compared %d times; at most %d files and %d kB", t.Settled, t.MostFiles, t.MostBytes>>10)
	} else {
		line("commands", "%d asked, %d answered exactly once, %d lost, %d twice; %d nobody could hear, %d heard and given up, because REST or the process was away for too long", t.Asked, t.Answered, t.Lost-t.GivenUp, t.Twice, t.Unheard, t.GivenUp)
	}
	line("dot", "green %.3f %% of the time; no client could have been online for %.3f %%, the process was gone for %.3f %%; the host slept %s more",
		share(t.Green, t.Green+t.Grey), share(t.Unreachable, t.Lived), share(t.Down, t.Lived), t.Asleep.Round(time.Minute))
	line("returns", "%d, %.2f %% within 5 s of the world being well; longest %s, longest grey %s", t.Returns,
		100*float64(t.PromptReturns)/float64(max(1, t.Returns)), t.LongestAway.Round(time.Millisecond), t.LongestGrey.Round(time.Millisecond))
	line("sessions", "%d connections, %d IDENTIFYs (%.2f a day; at most %d in an hour, %d in a day), %d RESUMEs, %d of them resumed, %d process starts; waited %s to keep the budget",
		t.Dials, t.Identifies, float64(t.Identifies)/max(1, days), t.MostInHour, t.MostInDay, t.Resumes, t.Resumed, t.Starts, t.WaitedForBudget.Round(time.Second))
	line("rules", "%d broken", t.Violations)
	line("size", "at most %d MB and %d goroutines, simulator included", t.Heap>>20, t.Goroutines)
	return b.String()
}

func share(part, whole time.Duration) float64 {
	if whole <= 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}
