package sidecar

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"

	"pgregory.net/rapid"
)

// model is what must be true of a bot behind the Sidecar, whatever happens: it knows what
// was said in which guild, and what the bot's processes have heard.
type model struct {
	*harness
	t        *rapid.T
	bots     []*bot // of the process that runs: its shards
	said     [3][]string
	heard    map[string]time.Time // when a bot heard what first
	order    [3][]string          // what was heard, in the order of the guild
	doubtful map[string]bool      // what a bot heard within the last second before its end
	lost     int64                // what Sidecars before have told as lost
	sessions int                  // at Discord
}

// shardsOfModel are the numbers of shards that the bot has in turn.
var shardsOfModel = []int{1, 4, 3}

// start starts a process of the bot with so many shards.
func (m *model) startBot(shards int) {
	m.bots = nil
	for i := range shards {
		more := map[string]any{}
		if shards > 1 {
			more["shard"] = []int{i, shards}
		}
		m.bots = append(m.bots, m.connect().identify(more))
	}
	m.Advance(time.Second)
}

// end takes in what the bot has heard, whose lines have ended.
func (m *model) end() {
	for _, b := range m.bots {
		for _, one := range b.heard() {
			guild, _ := strconv.Atoi(one.text[:1])
			_, again := m.heard[one.text]
			if again && !m.doubtful[one.text] {
				m.t.Errorf("%q came again, and was heard more than a second before any end of a bot", one.text)
			}
			if !again {
				m.heard[one.text] = one.at
				m.order[guild] = append(m.order[guild], one.text)
			}
			if time.Since(one.at) <= time.Second {
				m.doubtful[one.text] = true
			}
		}
	}
}

// stopBot kills the bot and takes in what it has heard.
func (m *model) stopBot() {
	for _, b := range m.bots {
		b.kill()
	}
	m.end()
}

// resume has every shard of the bot resume.
func (m *model) resume() {
	before := m.bots
	m.bots = nil
	for _, b := range before {
		m.bots = append(m.bots, m.resumes(b))
	}
	m.Advance(time.Second)
	for i, b := range m.bots {
		if b.ops(9) > 0 { // the backlog was overrun: it begins anew
			b.kill()
			more := map[string]any{}
			if len(m.bots) > 1 {
				more["shard"] = []int{i, len(m.bots)}
			}
			m.bots[i] = m.connect().identify(more)
		}
	}
	m.Advance(time.Second)
}

// sayIn says something in a guild.
func (m *model) sayIn(guild int) {
	text := strconv.Itoa(guild) + " " + strconv.Itoa(len(m.said[guild]))
	m.said[guild] = append(m.said[guild], text)
	m.Sim.Say(m.Guilds[guild].Channels[0].ID, m.User.ID, text)
}

// leaveSidecar keeps what a Sidecar has told as lost before it ends. The lines end with it.
func (m *model) leaveSidecar(end func()) {
	m.lost += m.sidecar.Status().Counts.Lost
	end()
	m.end()
}

// modelSteps are what can happen.
var modelSteps = map[string]func(*model){
	"say 0": func(m *model) { m.sayIn(0) },
	"say 1": func(m *model) { m.sayIn(1) },
	"say 2": func(m *model) { m.sayIn(2) },
	"type":  func(m *model) { m.typing() },
	"wait":  func(m *model) { m.Advance(300 * time.Millisecond) },
	"pause": func(m *model) { m.Advance(40 * time.Second) },
	"bot crashes": func(m *model) {
		m.stopBot()
		m.startBot(len(m.bots))
	},
	"bot is away for long": func(m *model) {
		m.stopBot()
		m.Advance(70 * time.Second)
		m.startBot(len(m.bots))
	},
	"other shards": func(m *model) {
		m.stopBot()
		at := slices.Index(shardsOfModel, len(m.bots))
		m.startBot(shardsOfModel[(at+1)%len(shardsOfModel)])
	},
	"line is cut": func(m *model) {
		m.stopBot()
		m.resume()
	},
	"bot hangs": func(m *model) {
		goOn := m.bots[0].hang()
		m.sayIn(0)
		m.Advance(5 * time.Second)
		goOn()
		m.Advance(time.Second)
	},
	"upstream is cut": func(m *model) { m.Inject(discordsim.Fault{Name: "cut"}) },
	"upstream session is lost": func(m *model) {
		attached := func() bool { return m.Sim.AttachedSessions(m.App) == 1 }
		for there := false; !there; there = attached() { // a cut of a moment ago shows only now
			m.Until(time.Minute, "the session is there", attached)
			m.Advance(time.Second) // what was said has come
		}
		m.Inject(discordsim.Fault{Name: "session-loss"})
		m.sessions++
		m.Advance(20 * time.Second)
	},
	"Evergreen crashes": func(m *model) {
		m.leaveSidecar(m.crash)
		m.Advance(time.Second)
		m.resume()
	},
	"Evergreen restarts": func(m *model) {
		m.leaveSidecar(m.restart)
		m.Advance(time.Second)
		m.resume()
	},
	"both crash": func(m *model) {
		m.stopBot()
		m.lost += m.sidecar.Status().Counts.Lost
		m.crash()
		m.startBot(len(m.bots))
	},
}

// Whatever bot, lines, Discord's sessions and Evergreen do: the bot hears everything that was
// said, in the order of its guild, but for what is counted as lost; only what it heard within
// the second before its end comes again; and its life costs no session at Discord.
func TestBotHearsEverythingButWhatIsToldAsLost(t *testing.T) {
	var names []string
	for name := range modelSteps {
		names = append(names, name)
	}
	slices.Sort(names)
	names = append(names, "say 0", "say 1", "say 2", "wait")
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.SampledFrom(names), 3, 20).Draw(rt, "steps")
		run(t, Options{Dir: t.TempDir(), BacklogAge: time.Minute}, func(h *harness) {
			m := &model{harness: h, t: rt, heard: map[string]time.Time{}, doubtful: map[string]bool{}, sessions: 1}
			m.startBot(1)
			m.Advance(10 * time.Second)
			for _, step := range steps {
				modelSteps[step](m)
			}
			m.Advance(30 * time.Second)
			m.stopBot()
			m.check(steps)
			m.WantIdentifies(m.sessions)
			m.NoViolations()
		})
	})
}

// check compares what was said with what was heard.
func (m *model) check(steps []string) {
	missing := 0
	for guild, said := range m.said {
		at := 0
		for _, text := range said {
			switch {
			case m.heard[text].IsZero():
				missing++
			case at < len(m.order[guild]) && m.order[guild][at] == text:
				at++
			default:
				m.t.Errorf("after %q guild %d said %q, and the bot heard %q", steps, guild, said, m.order[guild])
				return
			}
		}
	}
	told := int(m.lost + m.sidecar.Status().Counts.Lost)
	if missing > told {
		m.t.Errorf("after %q %d messages were never heard, and %d events told as lost", steps, missing, told)
	}
	if m.sessions == 1 && told > missing+len(m.doubtful) { // a new session has events of its own
		m.t.Errorf("after %q %d events were told as lost, and %d never heard; %s were heard just before an end", steps, told, missing, strings.Join(slices.Collect(func(yield func(string) bool) {
			for text := range m.doubtful {
				if !yield(text) {
					return
				}
			}
		}), ", "))
	}
}
