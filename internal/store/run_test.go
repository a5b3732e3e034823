package store

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"evergreen/internal/health"
)

// What became of a run that did not say so is found out from what the machine
// remembers.
func TestFateOfARunIsFoundOut(t *testing.T) {
	run := runRow{boot: "this boot", oom: oomCount{cgroup: "/bot", ofCgroup: 1, ofHost: 5}}
	tests := []struct {
		name string
		run  runRow
		boot string
		now  oomCount
		want End
	}{
		{"killed", run, "this boot", run.oom, EndKilled},
		{"rebooted", run, "that boot", oomCount{cgroup: "/bot", ofHost: 9}, EndRebooted},
		{"out of memory, by its cgroup", run, "this boot", oomCount{cgroup: "/bot", ofCgroup: 2, ofHost: 5}, EndOutOfMemory},
		{"out of memory, in a new cgroup", run, "this boot", oomCount{cgroup: "/new", ofCgroup: 0, ofHost: 6}, EndOutOfMemory},
		{"a new cgroup that had its own", run, "this boot", oomCount{cgroup: "/new", ofCgroup: 3, ofHost: 5}, EndKilled},
		{"the boot was not known then", runRow{oom: oomCount{ofCgroup: -1, ofHost: -1}}, "this boot", oomCount{ofCgroup: -1, ofHost: -1}, EndKilled},
		{"nothing can be read", runRow{oom: oomCount{ofCgroup: -1, ofHost: -1}}, "", oomCount{ofCgroup: -1, ofHost: -1}, EndKilled},
	}
	for _, test := range tests {
		if got := test.run.inferEnd(test.boot, test.now); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// A run says how it ended; if it does not, the next one finds out. The hour's
// starts are counted, so that a crash loop shows.
func TestPreviousRunIsJudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		f := &fakeDisk{image: contents{runs: []runRow{
			{Run: Run{Started: now.Add(-10 * time.Minute), Alive: now.Add(-time.Minute), PID: 12, Version: "0.9"}, boot: "that boot"},
			{Run: Run{Started: now.Add(-50 * time.Minute)}, how: EndSessionKept},
			{Run: Run{Started: now.Add(-2 * time.Hour)}, how: EndSessionKept},
		}}}
		s := f.begin(t, nil)
		p := s.BeginRun()
		if p.End != EndRebooted || p.Starts != 2 || !p.LastAlive().Equal(now.Add(-time.Minute)) || p.Boot != "that boot" {
			t.Errorf("previous run: %+v", p)
		}
		wantIn(t, p.String(), "process 12, version 0.9", "ended with the machine", "after 9m0s")
		if again := s.BeginRun(); again != p {
			t.Errorf("asked again: %+v", again)
		}
		time.Sleep(time.Minute)
		s.EndRun(EndSessionEnded, "")
		shut(t, s)
		all := f.all()
		run := all[len(all)-1].run
		if run == nil || run.how != EndSessionEnded || !run.Ended.Equal(now.Add(time.Minute)) || !run.Started.Equal(now) || run.boot != "this boot" {
			t.Errorf("the record of this run: %+v", run)
		}
	})
}

// The runs that ended badly one after the other are counted as long as each was
// started again soon: that is what a supervisor does.
func TestRowOfBadEndsIsCounted(t *testing.T) {
	now := time.Now()
	run := func(began, ended time.Duration, how End) runRow {
		return runRow{Run: Run{Started: now.Add(-began), Alive: now.Add(-ended)}, how: how}
	}
	for name, c := range map[string]struct {
		runs []runRow // the newest first
		want int
	}{
		"no run":                  {nil, 0},
		"a good end":              {[]runRow{run(10*time.Minute, 9*time.Minute, EndSessionKept), run(12*time.Minute, 11*time.Minute, EndNone)}, 0},
		"a goodbye":               {[]runRow{run(10*time.Minute, 9*time.Minute, EndSessionEnded), run(12*time.Minute, 11*time.Minute, EndNone)}, 0},
		"killed once":             {[]runRow{run(10*time.Minute, 9*time.Minute, EndNone), run(12*time.Minute, 11*time.Minute, EndSessionKept)}, 1},
		"failed three times":      {[]runRow{run(10*time.Minute, 9*time.Minute, EndFailed), run(11*time.Minute, 10*time.Minute, EndNone), run(13*time.Minute, 12*time.Minute, EndFailed)}, 3},
		"started again by a hand": {[]runRow{run(10*time.Minute, 9*time.Minute, EndFailed), run(60*time.Minute, 13*time.Minute, EndFailed)}, 1},
	} {
		if got := badRow(c.runs); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// Every end has its words, and makes of the time after it an incident with a
// cause that the runbook explains.
func TestEveryEndIsExplained(t *testing.T) {
	for end, want := range map[End]health.CauseID{
		EndSessionKept: health.PlannedStop, EndSessionEnded: health.DeployGoodbye, EndFailed: health.ProgramCrashed, EndCrashed: health.ProgramCrashed,
		EndKilled: health.ProcessGone, EndOutOfMemory: health.OutOfMemory, EndRebooted: health.HostRebooted,
	} {
		f := &fakeDisk{}
		synctest.Test(t, func(t *testing.T) {
			s := f.begin(t, nil)
			s.BeginRun()
			p := PreviousRun{Run: Run{Started: time.Now().Add(-time.Hour), Alive: time.Now().Add(-time.Minute)}, End: end, Said: "so it is", Boot: "this boot"}
			if end == EndRebooted {
				p.Boot = "that boot"
			}
			gap := s.Downtime(p)
			if gap == nil || gap.Cause != want || gap.Duration(time.Now()) != time.Minute || gap.Evidence.Said != "so it is" {
				t.Errorf("%q: %+v", end, gap)
			}
			shut(t, s)
		})
		if ends[end].words == "" {
			t.Errorf("%q has no words", end)
		}
	}
	if text := (PreviousRun{}).String(); text != "An earlier run is not known" {
		t.Error(text)
	}
}

// The kernel's counters are found in both versions of cgroups, and nowhere else.
func TestOOMCountersAreRead(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  oomCount
	}{
		{"version 2", map[string]string{
			"/proc/vmstat": "nr_free_pages 1\noom_kill 4\n", "/proc/self/cgroup": "0::/system.slice/bot\n",
			"/sys/fs/cgroup/system.slice/bot/memory.events": "low 0\noom 7\noom_kill 3\noom_group_kill 0\n",
		}, oomCount{"/system.slice/bot", 3, 4}},
		{"version 1", map[string]string{
			"/proc/self/cgroup": "3:cpu:/x\n2:memory:/docker/1\n",
			"/sys/fs/cgroup/memory/docker/1/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
		}, oomCount{"/docker/1", 2, -1}},
		{"version 1, another group first", map[string]string{
			"/proc/self/cgroup": "3:cpu:/x\n2:memory:/docker/1\n",
			"/sys/fs/cgroup/memory/docker/1/memory.oom_control": "oom_kill 2\n",
			"/sys/fs/cgroup/memory/x/memory.oom_control":        "oom_kill 9\n",
		}, oomCount{"/docker/1", 2, -1}},
		{"not the number of version 2", map[string]string{
			"/proc/self/cgroup": "7::/x\n", "/sys/fs/cgroup/x/memory.events": "oom_kill 3\n",
		}, oomCount{"", -1, -1}},
		{"a name that is not of version 2", map[string]string{
			"/proc/self/cgroup": "0:cpu:/x\n", "/sys/fs/cgroup/x/memory.events": "oom_kill 3\n",
		}, oomCount{"", -1, -1}},
		{"more than a number", map[string]string{"/proc/vmstat": "oom_kill 4 5\noom_kill_x 6\n"}, oomCount{"", -1, -1}},
		{"garbled", map[string]string{"/proc/vmstat": "oom_kill many\n", "/proc/self/cgroup": "what\n0::/x\n"}, oomCount{"", -1, -1}},
		{"nothing", nil, oomCount{"", -1, -1}},
	}
	for _, test := range tests {
		got := readOOM(func(path string) ([]byte, error) {
			text, there := test.files[path]
			if !there {
				return nil, errors.New("not there")
			}
			return []byte(text), nil
		})
		if got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
	thisHost().oom() // whatever there is, it is no reason to fail
}

// Given a database for virtual time, whatever the machine has done since the last
// run, then that run was killed and nothing else is said of the machine.
func TestNowhere(t *testing.T) {
	open := func(nowhere bool) *Store {
		s, err := Open(t.Context(), Options{Dir: t.TempDir(), NoHost: nowhere})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close(context.Background()) })
		return s
	}
	here, nowhere := open(false).host, open(true).host
	if kills := nowhere.oom(); kills != (oomCount{ofCgroup: -1, ofHost: -1}) || nowhere.slept() >= 0 || nowhere.boot != "" || nowhere.pid != here.pid {
		t.Errorf("the machine says %+v of kills, slept %s, boot %q, process %d", kills, nowhere.slept(), nowhere.boot, nowhere.pid)
	}
	if this := thisHost(); here.boot != this.boot || (here.uptime() < 0) != (this.uptime() < 0) {
		t.Errorf("here the boot is %q and the uptime %s", here.boot, here.uptime())
	}
	run := runRow{boot: here.boot, oom: oomCount{"/bot", 0, 0}}
	if end := run.inferEnd(nowhere.boot, nowhere.oom()); end != EndKilled {
		t.Errorf("the run ended by %q", end)
	}
}
