package doctor

import (
	"context"
	"fmt"

	"evergreen/internal/health"
)

// checkSleep checks whether this machine falls asleep, and the bot with it.
func (x *examination) checkSleep(context.Context) Finding {
	s := x.Machine.Sleep()
	slept, measured := x.Machine.Slept()
	var f Finding
	how := "Switch automatic sleep off (Linux: systemctl mask sleep.target suspend.target; macOS: sudo pmset -a sleep 0; Windows: powercfg /change standby-timeout-ac 0), or run the bot on a machine that is always on."
	switch {
	case s.After > 0:
		f = warn("this machine goes to sleep after "+longDuration(s.After)+" without anybody at it, and the bot with it", how).withCause(health.HostSlept)
	case s.Allowed && s.Lid && s.Battery:
		f = warn("this is a laptop, and closing the lid puts it to sleep", how).withCause(health.HostSlept)
	case s.Allowed && s.Battery:
		f = warn("this is a laptop, and it may sleep", how).withCause(health.HostSlept)
	case s.Allowed:
		f = pass("this machine can sleep, and does not do so by itself")
	case s.Known:
		f = pass("this machine does not sleep")
	case s.Inside != "":
		f = pass("inside " + s.Inside + " nothing tells whether the machine around it sleeps")
	default:
		f = pass("this system does not tell whether it sleeps")
	}
	if s.From != "" {
		f = f.with("settings: " + s.From)
	}
	if s.Inside != "" && s.Known {
		f = f.with("this is inside " + s.Inside + ": the machine around it decides")
	}
	if measured && slept > 0 || s.Times > 0 {
		f.raise(Warn)
		f = f.with(fmt.Sprintf("since it was started it has slept for %s (%s times)", longDuration(slept), countOrUnknown(s.Times))).withCause(health.HostSlept)
		if len(f.Next) == 0 {
			f.Next = []string{how}
		}
	} else if measured {
		f = f.with("it has not slept since it was started")
	}
	if s.Inside == "" && !s.Known && !measured {
		f = f.with("free hosts that put idle programs to sleep show as gaps: see the incidents below")
	}
	return f
}
