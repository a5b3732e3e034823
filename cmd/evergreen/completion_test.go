package main

import (
	"os/exec"
	"strings"
	"testing"
)

// Given the command line's own definition, when bash completes with what is made
// from it, then commands, sub-commands and flags come, also behind a flag's value.
func TestBashCompletes(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not on this machine")
	}
	script := outputOf(t, "completion", "bash")
	for line, want := range map[string]string{
		"evergreen ser":                              "service",
		"evergreen service unin":                     "uninstall",
		"evergreen run --ta":                         "--take-over",
		"evergreen run --api-addr 127.0.0.1:1 --fre": "--fresh",
		"evergreen completion f":                     "fish",
	} {
		words := strings.Fields(line)
		ask := script + "\nCOMP_WORDS=(" + line + ")\nCOMP_CWORD=" + string(rune('0'+len(words)-1)) + "\n_evergreen\necho \"${COMPREPLY[@]}\"\n"
		said, err := exec.CommandContext(t.Context(), bash, "--norc", "-c", ask).CombinedOutput()
		if err != nil || strings.TrimSpace(string(said)) != want {
			t.Errorf("%q is completed with %q (%v), not %q", line, said, err, want)
		}
	}
	for _, shell := range []string{"zsh", "fish"} {
		if script := outputOf(t, "completion", shell); !strings.Contains(script, "uninstall") || !strings.Contains(script, "take-over") {
			t.Errorf("%s is told:\n%s", shell, script)
		}
	}
}

// Given the command line's own definition, then the manual page knows every
// command and the exit codes.
func TestManualPage(t *testing.T) {
	page := outputOf(t, "man")
	for _, want := range []string{".TH EVERGREEN 1", ".SS evergreen service install", `\-\-take\-over`, ".B 78"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %q", want)
		}
	}
}

// outputOf is what a command that ends well prints.
func outputOf(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs strings.Builder
	p := &process{stdout: &out, stderr: &errs}
	if code := p.run(args); code != 0 {
		t.Fatalf("%v ends with %d: %s", args, code, errs.String())
	}
	return out.String()
}
