package host

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"evergreen/internal/regular"
)

// Sleep is what the machine's settings say about falling asleep.
type Sleep struct {
	// Known is whether anything could be found out.
	Known bool
	// Able is whether the machine can sleep at all, and Allowed whether its
	// settings let it.
	Able, Allowed bool
	// After is how long the machine may be idle before it sleeps by itself; zero if it does not, or that is not known.
	After time.Duration
	// Lid is whether closing the lid sends it to sleep.
	Lid bool
	// Battery is whether it has one: a laptop.
	Battery bool
	// Times is how often it has slept since it was started; -1 if not known.
	Times int64
	// Inside names what the process runs in when that is not the machine itself:
	// "docker", "kubernetes", "wsl" and so on; empty otherwise, or not known.
	Inside string
	// From is where the settings stand, for a person who wants to change them.
	From string
}

// Sleep reads the settings: from files on Linux, from pmset on macOS and from
// powercfg on Windows. The tools get two seconds.
func (m Machine) Sleep() Sleep {
	s := Sleep{Times: -1, Inside: m.inside()}
	if states, ok := m.read("/sys/power/state"); ok {
		m.linuxSleep(&s, states)
		return s
	}
	switch m.system() {
	case "darwin":
		m.macSleep(&s)
	case "windows":
		m.windowsSleep(&s)
	}
	return s
}

// linuxSleep reads the kernel's and systemd's settings.
func (m Machine) linuxSleep(s *Sleep, states string) {
	s.Known, s.From = true, "/etc/systemd/sleep.conf and logind.conf"
	s.Able = slices.ContainsFunc(strings.Fields(states), func(state string) bool { return state == "mem" || state == "freeze" || state == "standby" })
	s.Allowed = s.Able
	if m.setting("sleep.conf", "AllowSuspend") == "no" {
		s.Allowed = false
	}
	for _, unit := range []string{"sleep.target", "suspend.target"} {
		// A masked unit is a link to /dev/null.
		if to, err := os.Readlink(filepath.Join(m.Root, "/etc/systemd/system", unit)); err == nil && to == "/dev/null" {
			s.Allowed, s.From = false, "/etc/systemd/system/"+unit+", which is masked"
		}
	}
	batteries, _ := filepath.Glob(filepath.Join(m.Root, "/sys/class/power_supply/BAT*"))
	s.Battery = len(batteries) > 0
	lid := m.setting("logind.conf", "HandleLidSwitch")
	s.Lid = s.Allowed && s.Battery && (lid == "" || strings.Contains(lid, "suspend") || lid == "hibernate")
	if action := m.setting("logind.conf", "IdleAction"); s.Allowed && (strings.Contains(action, "suspend") || action == "hibernate") {
		s.After = span(m.setting("logind.conf", "IdleActionSec"), 30*time.Minute)
	}
	if n, ok := m.number("/sys/power/suspend_stats/success"); ok {
		s.Times = n
	}
}

// setting is the value of a systemd setting; files in the folder beside the main
// one win, the last by name first.
func (m Machine) setting(file, name string) string {
	parts, _ := filepath.Glob(filepath.Join(m.Root, "/etc/systemd", file+".d", "*.conf"))
	slices.Sort(parts)
	parts = append([]string{filepath.Join(m.Root, "/etc/systemd", file)}, parts...)
	value := ""
	for _, part := range parts {
		text, _, err := regular.Read(part, maxFile)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			key, said, found := strings.Cut(strings.TrimSpace(line), "=")
			if found && strings.TrimSpace(key) == name {
				value = strings.TrimSpace(said)
			}
		}
	}
	return value
}

// span reads a time span of systemd: "30min", "1h", "900".
func span(text string, otherwise time.Duration) time.Duration {
	number := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyz ")
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n <= 0 {
		return otherwise
	}
	unit, known := map[string]time.Duration{
		"": time.Second, "s": time.Second, "sec": time.Second, "m": time.Minute, "min": time.Minute, "h": time.Hour, "hr": time.Hour,
	}[strings.TrimSpace(strings.TrimPrefix(text, number))]
	if !known {
		return otherwise
	}
	return time.Duration(n * float64(unit))
}

var (
	macMinutes = regexp.MustCompile(`(?m)^\s*sleep\s+(\d+)`)
	macBattery = regexp.MustCompile(`(?m)^\s*lidwake\s`)
	// The words of powercfg are translated; the two numbers at the end are not:
	// seconds on mains and on battery.
	windowsSeconds = regexp.MustCompile(`0x([0-9a-fA-F]+)`)
)

func (m Machine) macSleep(s *Sleep) {
	said, err := m.tool("pmset", "-g")
	found := macMinutes.FindSubmatch(said)
	if err != nil || found == nil {
		return
	}
	minutes, _ := strconv.Atoi(string(found[1]))
	s.Known, s.Able, s.From = true, true, "pmset -g"
	s.Allowed, s.After = minutes > 0, time.Duration(minutes)*time.Minute
	s.Battery = macBattery.Match(said)
	s.Lid = s.Battery
}

func (m Machine) windowsSleep(s *Sleep) {
	said, err := m.tool("powercfg", "/query", "SCHEME_CURRENT", "SUB_SLEEP", "STANDBYIDLE")
	found := windowsSeconds.FindAllSubmatch(said, -1)
	if err != nil || len(found) < 2 {
		return
	}
	s.Known, s.Able, s.From = true, true, "powercfg /query SCHEME_CURRENT SUB_SLEEP STANDBYIDLE"
	for _, one := range found[len(found)-2:] {
		seconds, _ := strconv.ParseInt(string(one[1]), 16, 64)
		if seconds > 0 && (s.After == 0 || time.Duration(seconds)*time.Second < s.After) {
			s.Allowed, s.After = true, time.Duration(seconds)*time.Second
		}
	}
}

// inside names what surrounds the process, where it leaves its mark.
func (m Machine) inside() string {
	is := func(path string) bool {
		_, err := os.Stat(filepath.Join(m.Root, path))
		return err == nil
	}
	kernel, _ := m.read("/proc/sys/kernel/osrelease")
	switch {
	case is("/var/run/secrets/kubernetes.io"):
		return "kubernetes"
	case is("/.dockerenv"):
		return "docker"
	case is("/run/.containerenv"):
		return "podman"
	case strings.Contains(strings.ToLower(kernel), "microsoft"):
		return "wsl"
	}
	return ""
}

// toolTime is how long a tool of the system may take.
const toolTime = 2 * time.Second

// tool runs one.
func (m Machine) tool(name string, args ...string) ([]byte, error) {
	if m.Tool != nil {
		return m.Tool(name, args...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), toolTime)
	defer cancel()
	return exec.CommandContext(ctx, name, args...).Output()
}
