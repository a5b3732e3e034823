package host

import (
	"errors"
	"testing"
	"time"
)

// Given machines with each way to forbid or demand sleep, when they are asked,
// then they say whether and when they sleep.
func TestSleepSettings(t *testing.T) {
	able := map[string]string{"/sys/power/state": "freeze mem disk"}
	tests := []struct {
		name  string
		files map[string]string
		want  Sleep
	}{
		{"a server that cannot", map[string]string{"/sys/power/state": "disk"}, Sleep{}},
		{"a laptop as it comes", map[string]string{"/sys/class/power_supply/BAT0/": "", "/sys/power/suspend_stats/success": "3"},
			Sleep{Able: true, Allowed: true, Lid: true, Battery: true, Times: 3}},
		{"a laptop that stays awake with its lid closed", map[string]string{
			"/sys/class/power_supply/BAT0/": "", "/etc/systemd/logind.conf": "[Login]\nHandleLidSwitch=ignore",
		}, Sleep{Able: true, Allowed: true, Battery: true}},
		{"a desktop that sleeps when idle", map[string]string{
			"/etc/systemd/logind.conf": "[Login]\n#IdleAction=lock\nIdleAction=suspend\nIdleActionSec=20min",
		}, Sleep{Able: true, Allowed: true, After: 20 * time.Minute}},
		{"idle with the default time", map[string]string{"/etc/systemd/logind.conf.d/a.conf": "IdleAction=suspend"},
			Sleep{Able: true, Allowed: true, After: 30 * time.Minute}},
		{"forbidden by systemd", map[string]string{
			"/etc/systemd/sleep.conf": "[Sleep]\nAllowSuspend=yes", "/etc/systemd/sleep.conf.d/never.conf": "[Sleep]\nAllowSuspend = no",
			"/etc/systemd/logind.conf": "IdleAction=suspend",
		}, Sleep{Able: true}},
		{"masked", map[string]string{"/etc/systemd/system/sleep.target": "-> /dev/null"}, Sleep{Able: true}},
		{"in a container", map[string]string{"/.dockerenv": ""}, Sleep{Able: true, Allowed: true, Inside: "docker"}},
		{"in a pod", map[string]string{"/var/run/secrets/kubernetes.io/": "", "/.dockerenv": ""}, Sleep{Able: true, Allowed: true, Inside: "kubernetes"}},
		{"in WSL", map[string]string{"/proc/sys/kernel/osrelease": "5.15.153.1-microsoft-standard-WSL2"}, Sleep{Able: true, Allowed: true, Inside: "wsl"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := test.files
			if _, told := files["/sys/power/state"]; !told {
				files["/sys/power/state"] = able["/sys/power/state"]
			}
			got := fakeMachine(t, files).Sleep()
			if !got.Known || got.From == "" {
				t.Errorf("it is not known, or not from where: %+v", got)
			}
			want := test.want
			want.Known, want.From = true, got.From
			if want.Times == 0 {
				want.Times = -1
			}
			if got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

// Where the settings are not in files, the system's own tool is asked.
func TestSleepSettingsOfOtherSystems(t *testing.T) {
	answer := func(text string) func(string, ...string) ([]byte, error) {
		return func(string, ...string) ([]byte, error) { return []byte(text), nil }
	}
	none := func(string, ...string) ([]byte, error) { return nil, errors.New("not found") }
	german := "GUID des Energieschemas: 381b4222\n    Minimal mögliche Einstellung: 0x00000000\n" +
		"  Index der aktuellen Wechselstromeinstellung: 0x00000708\n  Index der aktuellen Gleichstromeinstellung: 0x00000384\n"
	tests := []struct {
		name, system string
		tool         func(string, ...string) ([]byte, error)
		want         Sleep
	}{
		{"a MacBook", "darwin", answer("Currently in use:\n standby 1\n lidwake              1\n sleep                10 (sleep prevented by caffeinate)\n displaysleep 5\n"),
			Sleep{Known: true, Able: true, Allowed: true, After: 10 * time.Minute, Battery: true, Lid: true}},
		{"a Mac that never sleeps", "darwin", answer(" sleep 0\n"), Sleep{Known: true, Able: true}},
		{"Windows", "windows", answer(german), Sleep{Known: true, Able: true, Allowed: true, After: 15 * time.Minute}},
		{"no tool on a Mac", "darwin", none, Sleep{}},
		{"no tool on Windows", "windows", none, Sleep{}},
		{"something else", "plan9", none, Sleep{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m := fakeMachine(t)
			m.System, m.Tool = test.system, test.tool
			got := m.Sleep()
			got.From, got.Times = "", 0
			if got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestFilesAndBoot(t *testing.T) {
	m := fakeMachine(t, map[string]string{
		"/proc/self/limits": "Limit                     Soft Limit           Hard Limit           Units\n" +
			"Max processes             100                  100                  processes\n" +
			"Max open files            1024                 524288               files",
		"/proc/self/fd/": "", "/proc/self/fd/0": "", "/proc/self/fd/1": "",
		"/proc/sys/kernel/random/boot_id": "5a1b", "/proc/stat": "cpu 1 2 3\nbtime 1764000000",
	})
	if f := m.Files(); f != (Files{Limit: 1024, Open: 2}) {
		t.Errorf("files: %+v", f)
	}
	if b := m.Boot(); b.ID != "5a1b" || !b.Time.Equal(time.Unix(1764000000, 0)) {
		t.Errorf("boot: %+v", b)
	}
	m.Space = func(string) (Disk, error) { return Disk{Free: 7, Total: 9, Inodes: -1}, nil }
	if d, err := m.Disk("data"); err != nil || d.Free != 7 {
		t.Errorf("disk: %+v, %v", d, err)
	}
}
