package report

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Machine is where it was measured.
type Machine struct {
	System string    `json:"system"`
	CPU    string    `json:"cpu"`
	Cores  int       `json:"cores"`
	Memory int64     `json:"memory_bytes,omitempty"`
	Go     string    `json:"go"`
	Load   string    `json:"load_at_start,omitempty"`
	Date   time.Time `json:"date"`
}

// This looks at the machine this runs on.
func This() Machine {
	m := Machine{System: runtime.GOOS + "/" + runtime.GOARCH, Cores: runtime.NumCPU(), Go: runtime.Version(), CPU: "unknown", Date: time.Now().UTC().Truncate(time.Second)}
	if version, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		number, _, _ := strings.Cut(strings.TrimSpace(string(version)), "-") // what a builder adds says nothing
		m.System += ", Linux " + number
	}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.CPU = field(string(text), "model name", m.CPU)
	}
	if text, err := os.ReadFile("/proc/meminfo"); err == nil {
		kib, _ := strconv.ParseInt(strings.TrimSuffix(field(string(text), "MemTotal", ""), " kB"), 10, 64)
		m.Memory = kib << 10
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load, _, _ = strings.Cut(string(text), " ")
	}
	return m
}

// field is the first value of a key in a file of "key : value" lines.
func field(text, key, otherwise string) string {
	for line := range strings.Lines(text) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == key {
			return strings.TrimSpace(v)
		}
	}
	return otherwise
}

// String is the machine on one line.
func (m Machine) String() string {
	text := fmt.Sprintf("%s, %d cores, %s, %s", m.CPU, m.Cores, m.System, m.Go)
	if m.Memory > 0 {
		text = fmt.Sprintf("%s, %d GiB of memory", text, (m.Memory+1<<29)>>30)
	}
	if m.Load != "" {
		text += ", load " + m.Load + " before"
	}
	return text
}
