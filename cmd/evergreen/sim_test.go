package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"evergreen/discordsim"
	"evergreen/internal/demo"
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
		`{"fault":"boredom"}`:              "there is no fault",
		`{"fault":"close","colour":"red"}`: "colour",
		`not JSON`:                         "not a fault",
	} {
		status, said := controlRequest(t, http.MethodPost, url+"/sim/faults", body)
		if text, _ := said["error"].(string); status != http.StatusBadRequest || !strings.Contains(text, want) {
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

// Given a web page that makes a browser ask the control port, by its own name for
// 127.0.0.1 or from its own origin, or a proxy that asks for others, then no fault is
// set and nothing is told; a program of this machine is served.
func TestSimControlIsNotForWebPages(t *testing.T) {
	t.Parallel()
	world := demo.NewWorld(demo.WorldOptions{Sim: discordsim.Config{Seed: 1}, Guilds: 1, People: 1})
	defer world.Sim.Close()
	c, err := newControlServer("127.0.0.1:0", world)
	if err != nil {
		t.Fatal(err)
	}
	defer c.listener.Close()
	here := c.addr().String()
	for _, test := range []struct {
		host    string
		headers map[string]string
		refused bool
	}{
		{here, nil, false},
		{"localhost:8510", nil, false},
		{"[::1]:8510", map[string]string{"User-Agent": "curl/8"}, false},
		{here, map[string]string{"Origin": "http://" + here, "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, false},
		{"rebound.example:8510", nil, true},
		{"127.0.0.1.evil.example", nil, true},
		{"0.0.0.0:8510", nil, true},
		{"", nil, true},
		{here, map[string]string{"Origin": "https://evil.example"}, true},
		{here, map[string]string{"Origin": "http://localhost:3000"}, true},
		{here, map[string]string{"Origin": "null"}, true},
		{here, map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, true},
		{here, map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, true},
		{here, map[string]string{"X-Forwarded-For": "192.0.2.1"}, true},
	} {
		for _, ask := range []struct {
			method, path, body string
			done               int
		}{
			{http.MethodGet, "/sim/verdict", "", http.StatusOK},
			{http.MethodGet, "/sim/faults", "", http.StatusOK},
			{http.MethodPost, "/sim/faults", `{"fault":"close","code":4000}`, http.StatusCreated},
			{http.MethodDelete, "/sim/faults", "", http.StatusNoContent},
		} {
			r := httptest.NewRequest(ask.method, ask.path, strings.NewReader(ask.body))
			r.Host = test.host
			for name, value := range test.headers {
				r.Header.Set(name, value)
			}
			before := len(world.Sim.Injected())
			w := httptest.NewRecorder()
			c.server.Handler.ServeHTTP(w, r)
			if refused := w.Code == http.StatusForbidden || w.Code == http.StatusMisdirectedRequest; refused != test.refused || !refused && w.Code != ask.done {
				t.Errorf("%s %s at %q with %v: %d", ask.method, ask.path, test.host, test.headers, w.Code)
			}
			if test.refused && len(world.Sim.Injected()) != before {
				t.Errorf("%q with %v set a fault", test.host, test.headers)
			}
		}
	}
}
