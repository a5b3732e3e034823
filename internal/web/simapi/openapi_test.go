package simapi

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"evergreen/discordsim"
	"evergreen/internal/web/contract"

	"github.com/getkin/kin-openapi/openapi3"
)

func readContract(t *testing.T) contract.Contract {
	t.Helper()
	return contract.Read(t, document, "../") // it is below /sim/
}

// holds fails unless an answer is as the document says.
func holds(t *testing.T, c contract.Contract, method, path string, a reply) {
	t.Helper()
	c.Holds(t, method, path, a.status, a.header, string(a.body))
}

// The document is valid, names every route with its parameters and no other, and explains
// every field.
func TestDocumentIsWhole(t *testing.T) {
	c := readContract(t)
	served := map[string]bool{}
	for _, to := range routes {
		served[to.method+" "+to.path] = true
		item := c.Doc.Paths.Find(to.path)
		if item == nil || item.GetOperation(to.method) == nil {
			t.Errorf("%s %s is served and not in the document", to.method, to.path)
			continue
		}
		var named []string
		for _, p := range item.GetOperation(to.method).Parameters {
			if p.Value.In == "query" {
				named = append(named, p.Value.Name)
			}
			if p.Value.Description == "" {
				t.Errorf("%s: %s is not explained", to.path, p.Value.Name)
			}
		}
		if !slices.Equal(named, to.query) {
			t.Errorf("%s %s takes %v, and the document names %v", to.method, to.path, to.query, named)
		}
	}
	for path, item := range c.Doc.Paths.Map() {
		for method := range item.Operations() {
			if !served[method+" "+path] {
				t.Errorf("%s %s is in the document and not served", method, path)
			}
		}
	}
	for name, s := range c.Doc.Components.Schemas {
		explained(t, name, s)
	}
}

// explained fails for each field without a description.
func explained(t *testing.T, name string, s *openapi3.SchemaRef) {
	t.Helper()
	if s.Ref != "" {
		return
	}
	if s.Value.Description == "" {
		t.Errorf("%s is not explained", name)
	}
	for field, of := range s.Value.Properties {
		explained(t, name+"."+field, of)
	}
	if s.Value.Items != nil {
		explained(t, name+"[]", s.Value.Items)
	}
}

// The document names the fields of each body that is read, and which of them are needed.
func TestDocumentNamesWhatBodiesHave(t *testing.T) {
	c := readContract(t)
	bodies := map[string]any{
		"/sim/say": sayRequest{}, "/sim/edit": editRequest{}, "/sim/delete": deleteRequest{}, "/sim/react": reactRequest{}, "/sim/vote": voteRequest{},
		"/sim/type": typeRequest{}, "/sim/voice": voiceRequest{}, "/sim/members": memberRequest{}, "/sim/use": useRequest{}, "/sim/complete": completeRequest{},
		"/sim/press": pressRequest{}, "/sim/submit": submitRequest{}, "/sim/faults": faultRequest{},
	}
	for _, to := range routes {
		if to.method != http.MethodPost {
			continue
		}
		body, known := bodies[to.path]
		if !known {
			t.Errorf("%s is not held against the document", to.path)
			continue
		}
		schema := c.Doc.Paths.Find(to.path).Post.RequestBody.Value.Content["application/json"].Schema.Value
		explained(t, to.path, &openapi3.SchemaRef{Value: schema})
		of := reflect.TypeOf(body)
		var needed, named []string
		for name := range schema.Properties {
			named = append(named, name)
		}
		for i := range of.NumField() {
			if of.Field(i).Tag.Get("need") != "" {
				needed = append(needed, of.Field(i).Tag.Get("json"))
			}
		}
		slices.Sort(named)
		if has := listFields(of); !slices.Equal(named, slices.Sorted(slices.Values(has))) {
			t.Errorf("%s takes %v, and the document names %v", to.path, has, named)
		}
		if !slices.Equal(slices.Sorted(slices.Values(needed)), slices.Sorted(slices.Values(schema.Required))) {
			t.Errorf("%s needs %v, and the document %v", to.path, needed, schema.Required)
		}
	}
}

// Whatever is asked, rightly or wrongly, the answer is as the document says, field by field.
func TestAnswersKeepTheContract(t *testing.T) {
	c := readContract(t)
	h := newHarness(t)
	h.connect(commandsOfBot, answers)
	ask := func(method, path, body string, status int) reply {
		t.Helper()
		a := h.ask(method, path, body)
		if a.status != status {
			t.Errorf("%s %s %s: %d %s", method, path, body, a.status, a.body)
		}
		holds(t, c, method, path, a)
		return a
	}
	id := func(a reply, name string) string {
		t.Helper()
		var has map[string]any
		h.read(a, &has)
		text, _ := has[name].(string)
		return text
	}
	said := id(ask("POST", "/sim/say", `{"channel":"papers","as":"ann","content":"hello"}`, 200), "id")
	ask("POST", "/sim/say", `{"dm":true,"as":"bob","content":"hello"}`, 200)
	ask("POST", "/sim/edit", `{"message":"`+said+`","as":"ann","content":"hi"}`, 200)
	ask("POST", "/sim/react", `{"message":"`+said+`","as":"ann","emoji":"👍"}`, 200)
	ask("POST", "/sim/type", `{"channel":"papers","as":"ann"}`, 204)
	ask("POST", "/sim/voice", `{"guild":"Reading Group","as":"ann","channel":"voice"}`, 204)
	ask("POST", "/sim/members", `{"guild":"Café","name":"carol"}`, 201)
	ask("DELETE", "/sim/members?guild=Caf%C3%A9&user=carol", "", 204)
	used := id(ask("POST", "/sim/use", `{"channel":"papers","as":"ann","command":"ping"}`, 200), "interaction")
	ask("GET", "/sim/interactions/"+used, "", 200)
	number := func(text string) discordsim.ID {
		n, _ := reference(text).id()
		return n
	}
	pong := h.await(number(used), discordsim.StateAnswered).Message.ID.String()
	ask("GET", "/sim/interactions/"+used, "", 200)
	pressed := id(ask("POST", "/sim/press", `{"message":"`+pong+`","as":"ann","custom_id":"more"}`, 200), "interaction")
	h.await(number(pressed), discordsim.StateAnswered)
	ask("GET", "/sim/interactions/"+pressed, "", 200)
	ask("POST", "/sim/submit", `{"interaction":"`+pressed+`","as":"ann","fields":{"name":"Ann"}}`, 200)
	ask("POST", "/sim/complete", `{"channel":"papers","as":"ann","command":"find","options":{"what":"p"},"focused":"what"}`, 200)
	ask("GET", "/sim/world", "", 200)
	ask("GET", "/sim/members?guild=Reading+Group", "", 200)
	ask("GET", "/sim/messages?channel=papers", "", 200)
	ask("GET", "/sim/commands?channel=papers", "", 200)
	fault := id(ask("POST", "/sim/faults", `{"fault":"latency","delay":0.01}`, 201), "id")
	ask("POST", "/sim/faults", `{"fault":"close"}`, 201)
	ask("GET", "/sim/faults", "", 200)
	ask("DELETE", "/sim/faults/"+fault, "", 204)
	ask("DELETE", "/sim/faults", "", 204)
	ask("GET", "/sim/verdict", "", 200)
	ask("GET", "/sim/openapi.json", "", 200)
	holds(t, c, "GET", "/sim/events", h.ask("HEAD", "/sim/events", ""))
	ask("POST", "/sim/delete", `{"message":"`+said+`","as":"ann"}`, 204)
	for _, to := range routes {
		path := strings.ReplaceAll(to.path, "{id}", "7")
		wrong := h.ask(to.method, path+"?colour=red", "")
		if holds(t, c, to.method, path, wrong); wrong.status != 400 {
			t.Errorf("%s %s with an unknown parameter: %d", to.method, path, wrong.status)
		}
		if to.method == http.MethodPost {
			ask(to.method, path, `{"colour":"red"}`, 400)
			ask(to.method, path, strings.Repeat("x", maxBody+1), 413)
		}
	}
	ask("POST", "/sim/vote", `{"message":"`+pong+`","as":"ann","answer":1}`, 409)
	ask("GET", "/sim/interactions/7", "", 404)
}

// Every event of the live stream is as the document says.
func TestEventsKeepTheContract(t *testing.T) {
	c := readContract(t)
	h := newHarness(t)
	url, _ := h.serve()
	s := h.follow(url, "")
	schemas := map[string]string{"presence": "Bot", "guild": "Guild", "interaction": "Interaction", "violation": "Violation", "reload": "ReloadEvent"}
	h.connect(commandsOfBot, answers)
	said := h.sim.Say(h.app.Guilds[0].Channels[1].ID, h.sim.People(h.app)[0], "hello")
	h.sim.Edit(said.ID, "hi")
	h.sim.Delete(said.ID)
	h.post("/sim/type", `{"channel":"papers","as":"ann"}`, nil)
	h.post("/sim/voice", `{"guild":"Reading Group","as":"ann","channel":"voice"}`, nil)
	h.post("/sim/members", `{"guild":"Reading Group","name":"carol"}`, nil)
	h.post("/sim/say", `{"dm":true,"as":"bob","content":"hello"}`, nil)
	h.sim.AddChannel(h.app.Guilds[0], "news", 0)
	h.sim.SetUnavailable(h.app.Guilds[1], true)
	h.post("/sim/faults", `{"fault":"latency","delay":0.01}`, nil)
	h.post("/sim/use", `{"channel":"papers","as":"ann","command":"ping"}`, nil)
	b := &simBot{h, &http.Client{Transport: h.sim.Transport()}, nil}
	b.client.Transport.(*http.Transport).DisableKeepAlives = true
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, h.sim.APIURL()+"/gateway/bot", nil)
	if answer, err := b.client.Do(r); err == nil { // without Authorization, which is a violation
		_ = answer.Body.Close()
	}
	seen := map[string]bool{}
	for len(seen) < 11 {
		kind, data, ok := s.block()
		if !ok {
			t.Fatalf("the stream ends; it told %v", seen)
		}
		if kind == "" {
			continue
		}
		seen[kind] = true
		schema := schemas[kind]
		if schema == "" {
			words := strings.Split(kind, "_")
			for i, w := range words {
				words[i] = strings.ToUpper(w[:1]) + w[1:]
			}
			schema = strings.Join(words, "") + "Event"
		}
		c.Fits(t, schema, []byte(data))
	}
}
