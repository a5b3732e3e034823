package health

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"evergreen/gateway"
)

// Given how a run ended and how long ago, when the next one begins, then the downtime
// has a cause with words for it; what nobody knows is said to be unknown, and
// where there was no previous run there is no downtime.
func TestDowntimeHasACause(t *testing.T) {
	const boot, reboot = "boot-1", "boot-2"
	stopped := func(d time.Duration) Incident {
		return Incident{BeganWithPreviousRun: true, Cause: PlannedStop, Start: evening.Add(-48*time.Hour - d), Detected: evening.Add(-48 * time.Hour), End: evening.Add(-47 * time.Hour)}
	}
	for name, c := range map[string]struct {
		previous PreviousRun
		now      ThisRun
		took     time.Duration
		cause    CauseID
		says     string
	}{
		"deploy":                   {PreviousRun{End: EndSessionKept, Boot: boot, Version: "1"}, ThisRun{Boot: boot, Version: "2"}, 2 * time.Second, PlannedStop, "the program was stopped as asked, for version 2"},
		"restart":                  {PreviousRun{End: EndSessionKept, Boot: boot}, ThisRun{Boot: boot}, 2 * time.Second, PlannedStop, "the program was stopped as asked"},
		"goodbye":                  {PreviousRun{End: EndSessionEnded, Boot: boot}, ThisRun{Boot: reboot}, time.Hour, PlannedStop, "the program was stopped as asked, with a goodbye"},
		"goodbye before a restart": {PreviousRun{End: EndSessionEnded, Boot: boot}, ThisRun{Boot: boot}, 2 * time.Second, DeployGoodbye, "the program was stopped with a goodbye, and started again 2 s later"},
		"failed":                   {PreviousRun{End: EndFailed, Boot: boot}, ThisRun{Boot: boot}, time.Minute, ProgramCrashed, "the program ended with an error"},
		"reboot":                   {PreviousRun{End: EndSessionKept, Boot: boot}, ThisRun{Boot: reboot}, time.Minute, HostRebooted, "the host was shut down or rebooted, and shut the program down properly"},
		"power cut":                {PreviousRun{Boot: boot}, ThisRun{Boot: reboot}, time.Hour, HostRebooted, "the host went down or was rebooted without stopping the program"},
		"crash":                    {PreviousRun{End: EndCrashed, Boot: boot}, ThisRun{Boot: boot}, time.Second, ProgramCrashed, "the program crashed"},
		"out of memory":            {PreviousRun{OOM: true, Boot: boot}, ThisRun{Boot: boot}, time.Second, OutOfMemory, "the kernel killed the program for memory"},
		"kill -9":                  {PreviousRun{Boot: boot}, ThisRun{Boot: boot}, time.Minute, ProcessGone, "the program was gone without a word: killed, or its host lost power"},
		"no boot id":               {PreviousRun{}, ThisRun{Boot: reboot}, time.Minute, ProcessGone, "the program was gone without a word: killed, or its host lost power"},
		"slept":                    {PreviousRun{Boot: boot}, ThisRun{Boot: boot, Slept: 7 * time.Hour}, 8 * time.Hour, HostSlept, "the host slept for 7 h, and the program did not survive it"},
		"slept a little":           {PreviousRun{Boot: boot}, ThisRun{Boot: boot, Slept: time.Minute}, 8 * time.Hour, ProcessGone, "the program was gone"},
		"idle host": {PreviousRun{End: EndSessionKept, Boot: boot}, ThisRun{Boot: boot, Recent: []Incident{stopped(20 * time.Minute), {Cause: HalfOpen}, stopped(time.Hour)}}, 15 * time.Minute,
			HostIdles, "the program was stopped for 15 min, as often before and without a new version: the host seems to put it to sleep"},
		"one stop of two shards": {PreviousRun{End: EndSessionKept, Boot: boot}, ThisRun{Boot: boot, Recent: []Incident{stopped(time.Hour), stopped(time.Hour)}}, 15 * time.Minute,
			PlannedStop, "the program was stopped as asked"},
		"quick restarts": {PreviousRun{End: EndSessionKept, Boot: boot}, ThisRun{Boot: boot, Recent: []Incident{stopped(time.Second), stopped(2 * time.Second)}}, 15 * time.Minute, PlannedStop, "as asked"},
	} {
		c.previous.LastAlive, c.now.Started = evening.Add(-c.took), evening
		i, ok := Downtime(c.previous, c.now)
		if !ok || i.Cause != c.cause || !strings.HasPrefix(i.What.String(), c.says) && !strings.HasSuffix(i.What.String(), c.says) || !i.BeganWithPreviousRun || !i.Start.Equal(c.previous.LastAlive) || !i.End.IsZero() || i.ID == "" {
			t.Errorf("%s: %t %+v", name, ok, i)
		}
		if goodbye := c.previous.End == EndSessionEnded; goodbye != (i.ShownOffline(evening) == c.took) {
			t.Errorf("%s: grey for %s of %s", name, i.ShownOffline(evening), c.took)
		}
	}
	for row, want := range map[int]CauseID{1: ProgramCrashed, 2: ProgramCrashed, 3: SupervisorGaveUp, 40: SupervisorGaveUp} {
		previous := PreviousRun{LastAlive: evening.Add(-12 * time.Minute), End: EndFailed, Said: "no such file", FailuresInARow: row}
		i, _ := Downtime(previous, ThisRun{Started: evening})
		if i.Cause != want || i.Evidence.Said != "no such file" {
			t.Errorf("after %d bad ends in a row: %+v", row, i)
		}
		previous.LastAlive = evening.Add(-time.Minute)
		if i, _ := Downtime(previous, ThisRun{Started: evening}); i.Cause != ProgramCrashed {
			t.Errorf("while it is still being started again: %+v", i)
		}
	}
	for _, alive := range []time.Time{{}, evening, evening.Add(time.Second)} {
		if i, ok := Downtime(PreviousRun{LastAlive: alive}, ThisRun{Started: evening}); ok {
			t.Errorf("a downtime since %s: %+v", alive, i)
		}
	}
	if i, _ := Downtime(PreviousRun{LastAlive: evening.Add(-time.Second), End: EndCrashed, Said: "panic:\n\tnil map"}, ThisRun{Started: evening}); i.Evidence.Said != "panic: nil map" {
		t.Errorf("it said %q", i.Evidence.Said)
	}
}

// testDowntime is a downtime that ends when the tests begin.
func testDowntime(t *testing.T, took time.Duration, end End) *Incident {
	t.Helper()
	i, ok := Downtime(PreviousRun{LastAlive: evening.Add(-took), End: end}, ThisRun{Started: evening})
	if !ok {
		t.Fatal("there is no downtime")
	}
	return &i
}

// Given a crash, when the next run resumes within half a minute, then one
// incident tells of the time from the last sign of life to RESUMED, with what was
// replayed and lost, and the status says no more than that the bot is starting.
//
// Statements: G-160.
func TestDowntimeEndsWithResumed(t *testing.T) {
	s := newFakeShard(t, Options{PreviousDowntime: testDowntime(t, 20*time.Second, EndCrashed)})
	s.after(time.Second)
	s.dial(true, gateway.Reason{Kind: gateway.ReasonStart})
	if snap := s.expectStatus(Starting, "connecting to resume"); snap.Last == nil || !snap.Last.BeganWithPreviousRun || snap.Remedy != (Message{}) {
		t.Errorf("got %+v", snap.Last)
	}
	s.observe(gateway.SequenceGap{From: 5, To: 6})
	s.resume(12)
	s.expectSentence("21:59:40 to 22:00:01 (21.3 s): the program crashed. Resumed, 12 events replayed, 2 lost.")
	i := s.newest()
	if i.Cause != ProgramCrashed || i.Replayed != 12 || i.Lost != 2 || i.AtRisk(s.now) != 21300*time.Millisecond || i.ShownOffline(s.now) != 0 || len(i.Actions) < 3 {
		t.Errorf("got %+v", i)
	}
	if c := s.snapshot().Counts; c.Reconnects != 0 {
		t.Errorf("counts %+v", c)
	}
	s.expectStatus(Online, "connected, and Discord answers")
	if list := s.tracker.Incidents(10); len(list) != 1 {
		t.Errorf("%d incidents", len(list))
	}
}

// Given a planned stop after which the network is down, then the incident begins
// with the stop, and what kept the bot away is its cause.
func TestDowntimeThenTrouble(t *testing.T) {
	s := newFakeShard(t, Options{PreviousDowntime: testDowntime(t, 10*time.Second, EndSessionKept)})
	s.after(time.Second)
	for n := range 3 {
		s.failDial(refused, n+1, 5*time.Second)
		s.after(5 * time.Second)
	}
	s.expectStatus(Starting, "the program was stopped as asked, then Discord's gateway could not be reached over the network; 3 attempts failed; not started yet")
	s.after(2 * time.Minute)
	if snap := s.snapshot(); snap.Status != Offline || !strings.Contains(snap.Remedy.String(), "firewall") || !snap.OfflineSince.Equal(evening.Add(-10*time.Second)) {
		t.Errorf("got %+v", snap)
	}
	s.dial(false, refused)
	s.observe(gateway.Disconnected{Reason: silent, LastByte: s.now, Session: false})
	s.dial(false, refused)
	s.identify()
	if i := s.newest(); i.Cause != NetworkDown || !i.Start.Equal(evening.Add(-10*time.Second)) || i.Outcome != OutcomeNewSession {
		t.Errorf("got %+v", i)
	}
	s.after(time.Minute)
	s.lose(silent)
	if i := s.newest(); i.BeganWithPreviousRun || i.Cause != HalfOpen {
		t.Errorf("the next one is %+v", i)
	}
}

// Given several shards, each has its own downtime under a name of its own; a gap that
// does not lie before this run is none.
func TestDowntimeOfSeveralShards(t *testing.T) {
	downtime := testDowntime(t, time.Minute, EndUnknown)
	s := newFakeShard(t, Options{PreviousDowntime: downtime})
	s.id = gateway.ShardID{ID: 0, Count: 2}
	other := s.another(gateway.ShardID{ID: 1, Count: 2})
	s.dial(true, gateway.Reason{Kind: gateway.ReasonStart})
	s.resume(1)
	other.dial(true, gateway.Reason{Kind: gateway.ReasonStart})
	other.resume(2)
	list := s.tracker.Incidents(10)
	if len(list) != 2 || list[0].ID == list[1].ID || list[0].Replayed == list[1].Replayed || downtime.Replayed != 0 {
		t.Errorf("got %+v", list)
	}
	late := *downtime
	late.Start = evening.Add(time.Hour)
	s = newFakeShard(t, Options{PreviousDowntime: &late}).start()
	if list := s.tracker.Incidents(10); len(list) != 0 {
		t.Errorf("got %+v", list)
	}
}

// Given a loop of the same actions, then it is told as one round that was made
// many times, with when it was last made, and what came before stays.
func TestActionsAreToldOnce(t *testing.T) {
	var list []Action
	at := evening
	for _, what := range []string{"probe sent", "spare dialled"} {
		list = addAction(list, at, Text(what))
	}
	for range 100 {
		for _, what := range []string{"connection opened", "RESUME sent", "RESUME sent", "refused"} {
			at = at.Add(time.Second)
			list = addAction(list, at, Text(what))
		}
	}
	list = addAction(list, at, Text("IDENTIFY sent"))
	var did []string
	for _, a := range list {
		did = append(did, a.String())
	}
	if got := strings.Join(did, ", "); got != "probe sent, spare dialled, connection opened (100 times), RESUME sent (200 times), refused (100 times), IDENTIFY sent" {
		t.Errorf("actions: %s", got)
	}
	if !list[4].Until.Equal(at) || !list[4].At.Before(evening.Add(5*time.Second)) {
		t.Errorf("got %+v", list[4])
	}
	for n := range 200 {
		list = addAction(list, at, Text(fmt.Sprintf("waiting %d s", n)))
	}
	if len(list) != maxActions {
		t.Errorf("%d actions", len(list))
	}
}
