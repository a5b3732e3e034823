package health

import (
	"strings"
	"testing"
	"time"

	"evergreen/internal/discord/rest"
)

// Given answers that do not get out for a while, then the bot is degraded and says since
// when, why and until when; an incident tells of it without what has passed, and nothing
// stays once they get out.
func TestAnswersThatDoNotGetOutAreTold(t *testing.T) {
	runSimulatedBot(t, nil, func(b *simulatedBot) {
		began := time.Now()
		b.source.activity.Undelivered = rest.Undelivered{
			Since: began, Reason: rest.ReasonBanned, Status: 403, Code: 1020, Until: began.Add(time.Hour), Retry: began.Add(10 * time.Minute),
		}
		s := b.tracker.Snapshot()
		want := "Degraded: answers are not getting through: Discord (Cloudflare, error 1020) blocks this address for a while, until " +
			moment(began.Add(time.Hour)) + " at most, and tried again at " + moment(began.Add(10*time.Minute))
		if s.Sentence() != want || s.Work.OK || s.Work.Cause != AnswersBlocked || !s.Since.Equal(began) || s.Remedy != Lookup(IPBanned).Remedy() || !s.Connected {
			b.Errorf("got %q, %+v", s.Sentence(), s)
		}
		b.wait(5 * time.Minute)
		b.source.activity.Undelivered = rest.Undelivered{}
		b.expect(Online, "connected")
		b.wait(2 * time.Minute)
		i := b.incident(AnswersBlocked, "answers are not getting through: Discord (Cloudflare, error 1020) blocks this address for a while. Mended; the bot was online all the while.")
		if !i.Start.Equal(began) {
			b.Errorf("got %+v", i)
		}
	})
}

// Every reason for which answers do not get out has words, and none that has passed is
// named as yet to come.
func TestWhyAnswersDoNotGetOut(t *testing.T) {
	now := time.Now()
	for _, reason := range []rest.Reason{
		rest.ReasonBanned, rest.ReasonForeign, rest.ReasonInvalid, rest.ReasonUnauthorized, rest.ReasonGlobal, rest.ReasonBucket,
		rest.ReasonShared, rest.ReasonServer, rest.ReasonConnection, rest.ReasonTooLarge,
	} {
		for _, status := range []int{0, 429} {
			u := rest.Undelivered{Since: now, Reason: reason, Status: status, Code: status * 2, Until: now.Add(-time.Second)}
			says := undeliveredStatus(u, now).String()
			if !strings.HasPrefix(says, "answers are not getting through: ") || strings.Contains(says, "undelivered") || strings.Contains(says, "until") {
				t.Errorf("%s: %q", reason, says)
			}
			u.Until, u.Retry = now.Add(time.Minute), now.Add(time.Minute)
			if says = undeliveredStatus(u, now).String(); !strings.HasSuffix(says, ", until "+moment(u.Until)) {
				t.Errorf("%s: %q", reason, says)
			}
		}
	}
}
