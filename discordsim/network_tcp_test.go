package discordsim

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Given a simulator on two real ports, when a bot asks REST where to go, begins
// a session there, loses its connection and resumes at the address it was given,
// then all of it works on the clock of the wall.
//
// Statements: S-001, S-005, S-008, S-046.
func TestWholeSessionOverTCP(t *testing.T) {
	s := New(Config{Heartbeat: HeartbeatConfig{Interval: 200 * time.Millisecond}, Identify: IdentifyConfig{GuildSpacing: time.Millisecond}})
	defer s.Close()
	sc := newClientHarness(t, s, AppConfig{})
	l, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	through := &http.Client{Transport: transport}
	defer transport.CloseIdleConnections()
	req, _ := http.NewRequest(http.MethodGet, l.APIURL()+"/gateway/bot", nil)
	req.Header.Set("User-Agent", goodAgent)
	req.Header.Set("Authorization", "Bot "+sc.app.Token)
	answer, err := through.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	var where struct{ URL string }
	err = json.NewDecoder(answer.Body).Decode(&where)
	_ = answer.Body.Close()
	if err != nil || !strings.HasPrefix(where.URL, "ws://127.0.0.1:") {
		t.Fatalf("REST says %q, %v", where.URL, err)
	}
	c, err := sc.try(where.URL+query[1:]+"&compress=zlib-stream", through)
	if err != nil {
		t.Fatal(err)
	}
	defer c.waitClosed()
	c.op(10)
	c.send(2, sc.identifyData(nil))
	c.ready()
	c.event("GUILD_CREATE")
	sc.say("heard")
	c.event("MESSAGE_CREATE")
	c.send(1, c.seq)
	c.op(11)
	if _, err = s.Inject(Fault{Name: "close", Code: 4000}); err != nil {
		t.Fatal(err)
	}
	c.closedWith(4000)
	sc.say("missed")
	next, err := sc.try(c.resumeURL+query+"&compress=zlib-stream", through)
	if err != nil {
		t.Fatal(err)
	}
	defer next.waitClosed()
	next.op(10)
	next.resume(c.session, c.seq)
	if p := next.next(); p.T != "MESSAGE_CREATE" || p.object()["content"] != "missed" {
		t.Errorf("%s came", p.raw)
	}
	next.event("RESUMED")
	_ = next.ws.Close(1000, "")
	if log := s.Connections(sc.app); len(log) != 2 || !log[0].Base || log[1].Base {
		t.Errorf("the log is %+v", log)
	}
	for deadline := time.Now().Add(5 * time.Second); sc.Online(sc.app); {
		if time.Now().After(deadline) {
			t.Fatal("the dot is still green")
		}
		time.Sleep(time.Millisecond)
	}
	if v := s.Verdict(sc.app); v.Resumed != 1 || v.Identifies != 1 || len(v.Violations) != 0 {
		t.Errorf("the verdict is %+v", v)
	}
}
