package health

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"evergreen/gateway"
)

// Every key has an English sentence, each cause its title and remedy among them,
// and everything that is said has one of the keys.
func TestEveryMessageHasAKey(t *testing.T) {
	keys := MessageKeys()
	for _, key := range keys {
		if sentence := (English{}).Sentence(key); sentence == "" || sentence == key {
			t.Errorf("%s has no sentence", key)
		}
		if room := strings.Count((English{}).Sentence(key), "%"); room != strings.Count((English{}).Sentence(key), "%s") || room > len(Message{}.args) {
			t.Errorf("%s has room for %d values", key, room)
		}
	}
	for _, c := range Catalogue {
		for _, m := range []Message{c.Heading(), c.Remedy()} {
			if m != (Message{}) && !slices.Contains(keys, m.Key) {
				t.Errorf("%s is not listed", m.Key)
			}
		}
		if c.Heading().String() != c.Title || c.Remedy().String() != c.Do {
			t.Errorf("%s is not said in the words of the catalogue", c.ID)
		}
	}
	if !slices.Contains(keys, closeKey(4014)) || slices.Contains(keys, "") {
		t.Error("the keys are not complete")
	}
}

// Every key in the code has a sentence, also those it puts together.
func TestEveryUsedKeyHasASentence(t *testing.T) {
	keys := MessageKeys()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	literal := regexp.MustCompile(`NewMessage\("([^"]+[^."])"`)
	said := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range literal.FindAllStringSubmatch(string(text), -1) {
			said++
			if !slices.Contains(keys, found[1]) {
				t.Errorf("%s has %q, which has no sentence", file, found[1])
			}
		}
	}
	if said < 50 {
		t.Errorf("only %d keys were found", said)
	}
	for _, cause := range conditionCauses {
		for _, m := range []Message{Condition{Cause: cause}.Says(), Condition{Cause: cause}.status()} {
			if notice := (Condition{Cause: cause}).IsNotice() && m.Key == "status."+string(cause); !notice && !slices.Contains(keys, m.Key) {
				t.Errorf("%s has no sentence", m.Key)
			}
		}
	}
	for _, state := range []gateway.State{
		gateway.Idle{}, gateway.Waiting{}, gateway.Connecting{}, gateway.Connecting{Resuming: true}, gateway.Identifying{},
		gateway.Resuming{}, gateway.Live{}, gateway.Suspect{}, gateway.Moving{},
	} {
		s := newShard(gateway.ShardID{}, evening, func(text string) string { return text })
		s.state = state
		if m := s.doing(); !slices.Contains(keys, m.Key) {
			t.Errorf("%s: %s has no sentence", state, m.Key)
		}
	}
}

// shouting is a language with other words, numbers and durations.
type shouting struct{}

func (shouting) Sentence(key string) string {
	if key == "join.then" {
		return "AFTER %[2]s CAME %[1]s"
	}
	return strings.ReplaceAll(strings.ToUpper((English{}).Sentence(key)), "%S", "%s")
}
func (shouting) Duration(d time.Duration) string { return d.String() }
func (shouting) Number(n int64) string           { return "#" + English{}.Number(n) }

// A message is said in any language with its values in their places, and text
// from elsewhere stays as it is.
func TestMessageIsSaidInALanguage(t *testing.T) {
	for _, c := range []struct {
		m                 Message
		english, shouting string
	}{
		{Message{}, "", ""},
		{Text(""), "", ""},
		{Text("100 % odd"), "100 % odd", "100 % odd"},
		{NewMessage("status.unanswered", time.Minute), "no heartbeat has been answered for 1 min", "NO HEARTBEAT HAS BEEN ANSWERED FOR 1m0s"},
		{NewMessage("join.then", NewMessage("same-start", nth(3)), Text("odd")), "the 3rd time in a row, each soon after coming back, then odd", "AFTER odd CAME THE #3RD TIME IN A ROW, EACH SOON AFTER COMING BACK"},
	} {
		if c.m.String() != c.english || c.m.In(shouting{}) != c.shouting {
			t.Errorf("got %q and %q, want %q and %q", c.m, c.m.In(shouting{}), c.english, c.shouting)
		}
	}
	if got := NewMessage("join.said", Text("a"), "b").replace(strings.ToUpper); got != NewMessage("join.said", Text("A"), "B") {
		t.Errorf("got %q", got)
	}
}

// An incident is written in English and read back with the keys of what happened,
// and one that an earlier version wrote is read as it stands.
func TestIncidentIsReadWithItsKeys(t *testing.T) {
	was := Incident{
		ID: "x", Cause: HalfOpen, What: NewMessage("reason.silent.for", 25*time.Second), Then: NewMessage("join.http", NewMessage("reason.upgrade"), "503"),
		Start: evening, Actions: []Action{{What: NewMessage("action.probe"), Times: 1}}, Evidence: Evidence{Attempts: 3},
	}
	body, err := was.Encode()
	if err != nil {
		t.Fatal(err)
	}
	var as struct{ What, Then string }
	if err := json.Unmarshal(body, &as); err != nil || as.What != "the connection was half-open (nothing arrived for 25 s)" || as.Then != was.Then.String() {
		t.Errorf("written as %s (%v)", body, err)
	}
	if got, err := DecodeIncident(body); err != nil || got.What != was.What || got.Then != was.Then || got.Actions[0].What.String() != "probe sent" || got.Evidence != was.Evidence {
		t.Errorf("got %+v (%v)", got, err)
	}
	if old, err := DecodeIncident([]byte(`{"ID":"x","What":"it was cut","Then":""}`)); err != nil || old.What != Text("it was cut") || old.Then != (Message{}) {
		t.Errorf("got %+v (%v)", old, err)
	}
}

// Numbers and ordinals are said in good English.
func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 102: "102nd", 111: "111th"} {
		if got := nth(n).String(); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
	if number(1, "event").String() != "1 event" || number(0, "event").String() != "0 events" || number(int64(12), "event").String() != "12 events" {
		t.Error("events are not counted well")
	}
}

// Durations are said the way a person would.
func TestDurationsInEnglish(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 0: "0 ms", 45 * time.Millisecond: "45 ms", 999 * time.Millisecond: "999 ms",
		time.Second: "1 s", 16230 * time.Millisecond: "16.2 s", 59940 * time.Millisecond: "59.9 s", 59960 * time.Millisecond: "1 min",
		12*time.Minute + 5*time.Second: "12 min 5 s", time.Hour - time.Millisecond: "1 h", 3*time.Hour + 12*time.Minute: "3 h 12 min",
		24*time.Hour - time.Second: "1 d", 51 * time.Hour: "2 d 3 h",
	} {
		if got := (English{}).Duration(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}
