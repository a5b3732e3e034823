package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// controlRequest asks the control port something and returns status and body.
func controlRequest(t *testing.T, method, url, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	answer, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	var out map[string]any
	if len(text) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return answer.StatusCode, out
}

// Given the simulator as a server, when a bot is run against the address and the
// token it prints, then the bot comes online and answers the people in it; a
// fault set over the control port strikes and the bot resumes; and the verdict
// in the end counts it all.
//
// Statements: S-099.
func TestSimServesABot(t *testing.T) {
	t.Parallel()
	sim := startCommand(t, nil, "sim", "--addr", "127.0.0.1:0", "--control-addr", "127.0.0.1:0", "--rate", "20", "--users", "100", "--seed", "3", "--slash", "about")
	api := sim.stdout.await(t, "DISCORD_API_URL=")
	token := sim.stdout.await(t, "DISCORD_TOKEN=")
	url, _, _ := strings.Cut(sim.stdout.await(t, "How the bot fares:       curl "), "/sim/verdict")
	bot := startCommand(t, []string{"DISCORD_API_URL=" + api, "DISCORD_TOKEN=" + token}, "run", "--log-file=none")
	sim.stdout.await(t, "connection 1 READY")

	if status, said := controlRequest(t, http.MethodPost, url+"/sim/faults", `{"fault":"close","code":4000}`); status != http.StatusCreated || said["id"] == "" {
		t.Errorf("the fault was answered %d %v", status, said)
	}
	sim.stdout.await(t, "fault close: ")
	sim.stdout.await(t, "connection 2 RESUMED")
	status, lasting := controlRequest(t, http.MethodPost, url+"/sim/faults", `{"fault":"latency","for":"1m","delay":0.02}`)
	if status != http.StatusCreated {
		t.Errorf("the fault was answered %d %v", status, lasting)
	}
	if status, _ := controlRequest(t, http.MethodDelete, url+"/sim/faults/"+lasting["id"].(string), ""); status != http.StatusNoContent {
		t.Errorf("lifting the fault was answered %d", status)
	}
	for body, want := range map[string]string{
		`{"fault":"hafl-open"}`:            `There is no fault "hafl-open"; did you mean "half-open"?`,
		`{"fault":"close","colour":"red"}`: "colour",
		`not JSON`:                         "has to be a JSON object",
	} {
		status, said := controlRequest(t, http.MethodPost, url+"/sim/faults", body)
		if text, _ := said["detail"].(string); status/100 != 4 || !strings.Contains(text, want) {
			t.Errorf("%s was answered %d %v", body, status, said)
		}
	}
	if _, all := controlRequest(t, http.MethodGet, url+"/sim/faults", ""); len(all["faults"].(map[string]any)) < 20 || len(all["struck"].([]any)) != 2 {
		t.Errorf("the list of faults says %v", all)
	}
	if status, _ := controlRequest(t, http.MethodDelete, url+"/sim/faults", ""); status != http.StatusNoContent {
		t.Errorf("lifting all faults was answered %d", status)
	}

	if code := bot.stop(t); code != 0 {
		t.Errorf("the bot ended with exit code %d:\n%s", code, bot.stderr)
	}
	sim.stdout.await(t, "closed by the client with 4900")
	_, verdict := controlRequest(t, http.MethodGet, url+"/sim/verdict", "")
	if verdict["identifies"] != 1.0 || verdict["resumed"] != 1.0 || verdict["twice"] != 0.0 {
		t.Errorf("the verdict says %v", verdict)
	}
	if code := sim.stop(t); code != 0 {
		t.Errorf("the simulator ended with exit code %d", code)
	}
	for _, want := range []string{"answered exactly once, 0 lost, 0 twice", "1 IDENTIFYs", "rules      none broken"} {
		if !strings.Contains(sim.stdout.String(), want) {
			t.Errorf("the verdict does not say %q:\n%s", want, sim.stdout)
		}
	}
}

// Given an address that others could reach, the simulator does not start.
func TestSimStaysOnThisMachine(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"sim", "--addr", "0.0.0.0:0"},
		{"sim", "--addr", "127.0.0.1:0", "--control-addr", "0.0.0.0:0"},
		{"sim", "--addr", "127.0.0.1:0", "--control-addr", "nowhere"},
	} {
		c := startCommand(t, nil, args...)
		if code := c.code(t); code != 1 || !strings.Contains(c.stderr.String(), args[len(args)-2]) {
			t.Errorf("%v: exit code %d, %q", args, code, c.stderr)
		}
	}
}

// Given --for and --faults auto, the simulator breaks things by itself and ends
// with exit code 1 when no bot was there to answer.
func TestSimEndsByItself(t *testing.T) {
	t.Parallel()
	c := startCommand(t, nil, "sim", "--addr", "127.0.0.1:0", "--control-addr", "127.0.0.1:0", "--for", "1", "--faults", "auto", "--pace", "0.2", "--seed", "1")
	c.stdout.await(t, "fault ")
	if code := c.code(t); code != 1 {
		t.Errorf("exit code %d, want 1:\n%s", code, c.stdout)
	}
}
