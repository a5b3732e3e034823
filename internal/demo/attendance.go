package demo

import (
	"time"

	"evergreen/internal/sidecar"
)

// attendance adds up for how long a bot behind the proxy was there and read, and what waited
// for it meanwhile.
type attendance struct {
	began time.Time // when it was there first; zero: it has not been yet
	since time.Time // when it went away or ceased to read; zero: it is there
	most  int       // that waited at once since then

	away, longest time.Duration
	waited        int
}

// note takes in how the bot is now: whether it is attended, since when it is not, and how
// many events wait.
func (a *attendance) note(now time.Time, attended bool, since time.Time, waiting int) {
	switch {
	case a.began.IsZero():
		if attended {
			a.began = now
		}
	case attended && !a.since.IsZero():
		a.away += now.Sub(a.since)
		a.longest = max(a.longest, now.Sub(a.since))
		a.waited += a.most
		a.since, a.most = time.Time{}, 0
	case !attended:
		if a.since.IsZero() {
			if a.since = since; since.IsZero() || since.After(now) {
				a.since = now
			}
		}
		a.most = max(a.most, waiting)
	}
}

// at returns it with what is under way counted in.
func (a attendance) at(now time.Time) attendance {
	if !a.since.IsZero() {
		a.away += now.Sub(a.since)
		a.longest = max(a.longest, now.Sub(a.since))
		a.waited += a.most
	}
	return a
}

// percent is for how much of the time a bot was there and read, rounded down.
func (a attendance) percent(now time.Time) float64 {
	total := now.Sub(a.began)
	if a.began.IsZero() || total <= 0 {
		return 0
	}
	return float64(int(1000*float64(total-a.at(now).away)/float64(total))) / 10
}

// attendedNow is how the bot is, over all its shard pairs: one that is not attended counts
// for all.
func attendedNow(s sidecar.Status) (attended bool, since time.Time, waiting int) {
	attended = len(s.Consumers) > 0
	for _, c := range s.Consumers {
		waiting += c.Waiting
		if c.Attended {
			continue
		}
		attended = false
		if since.IsZero() || c.Since.Before(since) {
			since = c.Since
		}
	}
	return attended, since, waiting
}

// onStandby reports whether each shard pair of the bot has a further line.
func onStandby(s sidecar.Status) bool {
	for _, c := range s.Consumers {
		if c.Standby == 0 {
			return false
		}
	}
	return len(s.Consumers) > 0
}
