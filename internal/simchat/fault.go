package simchat

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/text"
)

// parameters are what a fault takes beside its name and how long it lasts.
var parameters = map[string]func(*discordsim.Fault, string) error{
	"code":  func(f *discordsim.Fault, v string) (err error) { f.Code, err = strconv.Atoi(v); return err },
	"count": func(f *discordsim.Fault, v string) (err error) { f.Count, err = strconv.Atoi(v); return err },
	"delay": func(f *discordsim.Fault, v string) (err error) { f.Delay, err = text.ParseDuration(v); return err },
	"host":  func(f *discordsim.Fault, v string) error { f.Host = v; return nil },
	"route": func(f *discordsim.Fault, v string) error { f.Route = v; return nil },
	"text":  func(f *discordsim.Fault, v string) error { f.Text = v; return nil },
	"probability": func(f *discordsim.Fault, v string) (err error) {
		f.Probability, err = strconv.ParseFloat(v, 64)
		return err
	},
	"shard": func(f *discordsim.Fault, v string) error {
		n, err := strconv.Atoi(v)
		f.Shard = &n
		return err
	},
}

// fault lets something go wrong, or lists what can.
func (c *chat) fault(rest string) error {
	args := plain(rest)
	if len(args) == 0 {
		var lines []string
		for _, name := range discordsim.Faults() {
			lines = append(lines, fmt.Sprintf("%-22s %s", name, discordsim.DescribeFault(name).Description))
		}
		c.print(strings.Join(lines, "\n"))
		return nil
	}
	f := discordsim.Fault{Name: args[0]}
	if discordsim.DescribeFault(f.Name).Description == "" {
		if near := text.Nearest(f.Name, discordsim.Faults(), 3); near != "" {
			return fmt.Errorf("there is no fault %q; did you mean %s?", f.Name, near)
		}
		return fmt.Errorf("there is no fault %q; .fault lists what there is", f.Name)
	}
	for _, arg := range args[1:] {
		name, value, named := strings.Cut(arg, "=")
		var err error
		switch set := parameters[name]; {
		case !named:
			var d time.Duration
			d, err = text.ParseDuration(arg)
			f.For = d
		case set == nil:
			return fmt.Errorf("a fault has no %q; there are: code, count, delay, host, route, text, probability, shard", name)
		default:
			err = set(&f, value)
		}
		if errors.Is(err, strconv.ErrSyntax) || errors.Is(err, strconv.ErrRange) {
			err = errors.New("want a number")
		}
		if err != nil {
			return fmt.Errorf("%q: %w", arg, err)
		}
	}
	active, err := c.Sim.Inject(f)
	if err != nil {
		return err
	}
	if f.For == 0 && active.Ended.IsZero() {
		c.say("It lasts until .lift.")
	}
	return nil
}
