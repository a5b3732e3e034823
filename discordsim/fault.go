package discordsim

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// Fault is something that goes wrong, as data. The zero value of a field means
// what its comment says.
type Fault struct {
	// Name is one of [Faults].
	Name string `json:"fault" yaml:"fault"`
	// App limits the fault to one bot, Shard to one shard id and Conn to one
	// connection of the log; otherwise all.
	App   ID    `json:"app,omitempty" yaml:"app,omitempty"`
	Shard *int  `json:"shard,omitempty" yaml:"shard,omitempty"`
	Conn  int64 `json:"conn,omitempty" yaml:"conn,omitempty"`
	// Host limits a network fault to "api", "gateway" or "resume"; otherwise all
	// that the fault is about.
	Host string `json:"host,omitempty" yaml:"host,omitempty"`
	// Route limits a REST fault to one route such as "POST
	// /channels/{channel}/messages"; otherwise all.
	Route string `json:"route,omitempty" yaml:"route,omitempty"`
	// For is how long the fault lasts; 0: until it is lifted or Count is used up.
	For time.Duration `json:"for,omitempty" yaml:"for,omitempty"`
	// Count is how often it strikes; 0: always while it lasts.
	Count int `json:"count,omitempty" yaml:"count,omitempty"`
	// Probability is the chance that it strikes; 0: certainly.
	Probability float64 `json:"probability,omitempty" yaml:"probability,omitempty"`
	// Code is the close code or HTTP status; the fault's own default otherwise.
	Code int `json:"code,omitempty" yaml:"code,omitempty"`
	// Delay is the time the fault is about, where it is about one.
	Delay time.Duration `json:"delay,omitempty" yaml:"delay,omitempty"`
	// Text is a close reason, a body or a payload, where the fault has one.
	Text string `json:"text,omitempty" yaml:"text,omitempty"`
}

// faultKind says what a fault is and does.
type faultKind struct {
	// description is what happens, for a person.
	description string
	// side and settling are those of [FaultInfo].
	side     string
	settling time.Duration
	// momentary marks faults that happen at one moment; begin does them.
	momentary bool
	// begin and end run with the lock held when the fault begins and when it is
	// over. Either may be nil: most faults only change how the simulator
	// answers while they last.
	begin, end func(*Sim, *Active)
	// check says what is wrong with a fault of this kind; nil accepts all.
	check func(Fault) error
}

// Active is a fault that has begun.
type Active struct {
	Fault
	ID    ID
	Began time.Time
	// Ended is zero while the fault lasts.
	Ended time.Time
	// Struck counts how often it has struck.
	Struck int

	kind  *faultKind
	timer *simTimer // lifts it
	undo  []func()
}

// Faults lists the names of all faults, sorted.
func Faults() []string { return slices.Sorted(maps.Keys(faultKinds)) }

// FaultInfo says what the faults of one name do.
type FaultInfo struct {
	// Description is what happens on the wire, in one sentence.
	Description string
	// Side is what goes wrong: "gateway", "network", "rest" or "permission". Host limits only
	// faults of the network, Route only those of REST.
	Side string
	// Momentary faults happen at one moment: For, Count and Probability mean
	// nothing to them. Settling is how long their effect lasts by default.
	Momentary bool
	Settling  time.Duration
}

// DescribeFault describes one of [Faults]; an unknown name gives the zero value.
func DescribeFault(name string) FaultInfo {
	k := faultKinds[name]
	if k == nil {
		return FaultInfo{}
	}
	return FaultInfo{Description: k.description, Side: k.side, Momentary: k.momentary, Settling: k.settling}
}

// Check says why a fault cannot be injected: its name is unknown, or no WebSocket
// can carry its close code.
func (f Fault) Check() error {
	k := faultKinds[f.Name]
	switch {
	case k == nil:
		return fmt.Errorf("there is no fault %q; there are: %s", f.Name, strings.Join(Faults(), ", "))
	case k.check != nil:
		return k.check(f)
	}
	return nil
}

// Inject begins a fault (S-099). It fails as [Fault.Check] does. A momentary fault
// is over when Inject returns.
func (s *Sim) Inject(f Fault) (*Active, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inject(f)
}

func (s *Sim) inject(f Fault) (*Active, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	k := faultKinds[f.Name]
	a := &Active{Fault: f, ID: s.newID(), Began: time.Now(), kind: k}
	s.injected = append(s.injected, a)
	if len(s.injected) > maxInjected {
		s.injected = slices.Delete(s.injected, 0, 1)
	}
	if k.momentary {
		s.windowsOf(f.App).forKind(f, func(u *faultWindow) { u.once(a.Began, f.delayOr(cmp.Or(k.settling, defaultSettling))) })
	} else {
		s.windowsOf(f.App).forKind(f, func(u *faultWindow) { u.begin(a.Began) })
		s.faults[f.Name] = append(s.faults[f.Name], a)
	}
	if k.begin != nil {
		k.begin(s, a)
	}
	s.changed(Change{Kind: ChangeFault, Fault: a.ID})
	switch {
	case k.momentary:
		a.Ended, a.Struck = a.Began, max(1, a.Struck)
	case f.For > 0 && a.Ended.IsZero():
		a.timer = s.after(f.For, func() { s.lift(a) })
	}
	return a, nil
}

// maxInjected is how many past and present faults are remembered.
const maxInjected = 10_000

// Lift ends a fault; one that is over stays over.
func (s *Sim) Lift(a *Active) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lift(a)
}

// LiftID ends a fault by its id; one that is over stays over. It reports whether there was
// such a fault.
func (s *Sim) LiftID(id ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.injected {
		if a.ID == id {
			s.lift(a)
			return true
		}
	}
	return false
}

// LiftAll ends every fault.
func (s *Sim) LiftAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.faults)) {
		for _, a := range slices.Clone(s.faults[name]) {
			s.lift(a)
		}
	}
}

func (s *Sim) lift(a *Active) {
	if !a.Ended.IsZero() {
		return
	}
	a.Ended = time.Now()
	s.changed(Change{Kind: ChangeFault, Fault: a.ID})
	a.timer.stop()
	s.windowsOf(a.App).forKind(a.Fault, func(u *faultWindow) { u.end(a.Ended) })
	s.faults[a.Name] = slices.DeleteFunc(s.faults[a.Name], func(other *Active) bool { return other == a })
	for _, undo := range slices.Backward(a.undo) {
		undo()
	}
	if a.kind.end != nil {
		a.kind.end(s, a)
	}
}

// Injected lists the past and present faults, oldest first, as copies.
func (s *Sim) Injected() []Active {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Active, len(s.injected))
	for i, a := range s.injected {
		out[i] = *a
	}
	return out
}

// target is what a fault may strike: a connection, a session or a request.
type target struct {
	app   *App
	shard int   // -1: none or not known
	conn  int64 // 0: none
	host  string
	route string
	// rng decides about a probability; nil is the simulator's.
	rng *rand.Rand
}

// matches reports whether the target is of the bot, shard and connection that the
// fault is limited to, if it is.
func (f Fault) matches(at target) bool {
	return (f.App == 0 || (at.app != nil && at.app.ID == f.App)) && (f.Shard == nil || at.shard == *f.Shard) &&
		(f.Conn == 0 || at.conn == f.Conn)
}

// usedUp reports whether the fault has struck Count times.
func (a *Active) usedUp() bool { return a.Count > 0 && a.Struck >= a.Count }

// strike finds the fault of a name that strikes the target now, and counts it; nil
// when none does.
func (s *Sim) strike(name string, at target) *Active {
	for _, a := range s.faults[name] {
		switch {
		case !a.matches(at),
			a.Host != "" && at.host != "" && at.host != a.Host,
			a.Route != "" && at.route != a.Route,
			a.Probability > 0 && !s.chanceFrom(at.rng, a.Probability):
			continue
		}
		a.Struck++
		if a.usedUp() {
			s.lift(a)
		}
		return a
	}
	return nil
}

// chanceFrom is true with probability p.
func (s *Sim) chanceFrom(rng *rand.Rand, p float64) bool {
	if rng == nil {
		return s.chance(p)
	}
	return rng.Float64() < p
}

// inForce reports whether a fault of a name is in force for an app as a whole,
// without counting it.
func (s *Sim) inForce(name string, app *App) bool {
	return slices.ContainsFunc(s.faults[name], func(a *Active) bool { return a.matches(target{app: app, shard: -1}) })
}

// faultKinds is every fault by name: those of the gateway, of the network, of the REST
// side and of what the bot may do.
var faultKinds = map[string]*faultKind{}

func init() {
	for side, table := range map[string]map[string]*faultKind{"gateway": gatewayKinds, "network": networkKinds, "rest": restKinds, "permission": permissionKinds} {
		for name, k := range table {
			k.side = side
			faultKinds[name] = k
		}
	}
}
