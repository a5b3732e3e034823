package discordsim

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
)

// drain reads what waits for the reader of a watch.
func (w *Watch) drain() (all []Change) {
	for {
		select {
		case c, ok := <-w.Changes():
			if !ok {
				return all
			}
			all = append(all, c)
		default:
			return all
		}
	}
}

// Given a reader of changes, when people act, then it is told what each did is about, in
// order.
func TestWatchTellsWhatPeopleDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(Config{Seed: 1})
		defer s.Close()
		g := s.AddGuild("guild", "general")
		ann := s.AddUser("ann")
		s.AddMembers(g, ann)
		app := s.AddApp(AppConfig{Guilds: []*Guild{g}})
		voice := s.AddVoiceChannels(g, "voice")[0]
		w := s.Watch(100)
		defer w.Close()
		ch := g.Channels[0].ID
		m := s.Say(ch, ann.ID, "hello")
		s.React(m.ID, ann.ID, "👍")
		s.Edit(m.ID, "hello!")
		s.Delete(m.ID)
		s.JoinVoice(voice.ID, ann.ID)
		s.SetMember(g, ann.ID, func(m *Member) { m.Nick = "Ann" })
		dm := s.DM(app, ann.ID, "psst")
		s.Interact(app, ch, ann.ID, "ping")
		s.SetUnavailable(g, true)
		s.SetUnavailable(g, false)
		bob := s.AddUser("bob")
		s.AddMembers(g, bob)
		s.RemoveMembers(g, bob.ID)
		if _, err := s.Inject(Fault{Name: "close"}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range w.drain() {
			about := string(c.Kind)
			for _, id := range []struct {
				name string
				id   ID
			}{{"message", c.Message}, {"channel", c.Channel}, {"guild", c.Guild}, {"user", c.User}, {"interaction", c.Interaction}, {"fault", c.Fault}} {
				if id.id != 0 {
					about += " " + id.name
				}
			}
			got = append(got, about)
			if c.At.IsZero() {
				t.Errorf("%s has no time", c.Kind)
			}
		}
		want := []string{
			"message message channel guild", "message message channel guild user", "message message channel guild", "message_delete message channel guild",
			"voice channel guild user", "member guild user", "channel channel", "message message channel", "interaction channel guild user interaction",
			"guild guild", "guild guild", "member guild user", "member guild user", "fault fault",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got\n%q\nwant\n%q", got, want)
		}
		if _, there := s.MessageObject(m.ID); there {
			t.Error("a deleted message is shown")
		}
		if raw, there := s.MessageObject(dm.ID); !there || len(raw) == 0 {
			t.Error("a direct message is not shown")
		}
	})
}

// Given a reader that does not read, when more happens than its buffer holds, then nothing
// waits for it, it is told once that it has missed something, and what happens after that
// reaches it again.
func TestSlowWatchIsToldWhatItMissed(t *testing.T) {
	s := New(Config{Seed: 1})
	defer s.Close()
	g := s.AddGuild("guild")
	ann := s.AddUser("ann")
	w := s.Watch(3)
	for range 50 {
		s.Say(g.Channels[0].ID, ann.ID, "hello")
	}
	kinds := func() (out []ChangeKind) {
		for _, c := range w.drain() {
			out = append(out, c.Kind)
		}
		return out
	}
	if got := fmt.Sprint(kinds()); got != "[message message message reload]" {
		t.Errorf("it got %s", got)
	}
	s.Say(g.Channels[0].ID, ann.ID, "hello")
	if got := fmt.Sprint(kinds()); got != "[message]" {
		t.Errorf("after that it got %s", got)
	}
	for range 50 {
		s.Say(g.Channels[0].ID, ann.ID, "hello")
	}
	<-w.Changes()
	s.Say(g.Channels[0].ID, ann.ID, "hello")
	if got := fmt.Sprint(kinds()); got != "[message message reload]" {
		t.Errorf("the second time it got %s", got)
	}
	w.Close()
	w.Close()
	if _, open := <-w.Changes(); open {
		t.Error("a closed watch tells more")
	}
}

// Given readers of all speeds, when people act at the same time and the simulator is
// closed, then every reader is told of its end.
func TestWatchesEndWithTheSimulator(t *testing.T) {
	s := New(Config{Seed: 1})
	g := s.AddGuild("guild")
	var readers, people sync.WaitGroup
	for n := range 20 {
		w := s.Watch(n)
		readers.Go(func() {
			for range w.Changes() {
			}
		})
	}
	idle := s.Watch(1)
	for n := range 8 {
		u := s.AddUser(fmt.Sprint("person-", n))
		people.Go(func() {
			for range 200 {
				s.Edit(s.Say(g.Channels[0].ID, u.ID, "hello").ID, "bye")
			}
			s.Watch(1).Close()
		})
	}
	people.Wait()
	s.Close()
	readers.Wait()
	for range idle.Changes() {
	}
	idle.Close()
	if _, open := <-s.Watch(5).Changes(); open {
		t.Error("a watch of a closed simulator tells something")
	}
}
