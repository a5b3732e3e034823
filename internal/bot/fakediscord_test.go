package bot

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// fakeDiscord is the REST side of Discord as far as the bot uses it: an
// http.RoundTripper that keeps messages and interactions, remembers nonces, and
// fails in the ways a test asks for. What a client must not do it notes in
// problems.
type fakeDiscord struct {
	mu           sync.Mutex
	latency      time.Duration
	faults       []*fault
	requests     []request
	messages     []posted
	interactions map[string]*fakeInteraction // by token
	application  string
	commands     string
	guild        string
	channel      string
	member       string
	reactions    []string // message and emoji
	guilds       []uint64
	problems     []string
}

// request is one request as it came in.
type request struct {
	at   time.Time
	line string // method and path below the base, such as "POST /channels/1/messages"
	body string
}

// posted is a message that stands in a channel.
type posted struct {
	channel string
	messageBody
	raw string
}

// fakeInteraction is what became of an interaction.
type fakeInteraction struct {
	id        string
	created   time.Time
	acked     bool
	loading   bool
	content   string
	flags     int64
	edits     int
	followUps []string
}

// fault is a way to fail. The zero value of all but on answers normally.
type fault struct {
	on     string        // the request line must begin with this
	skip   int           // leave that many matching requests alone first
	times  int           // then strike that many; below 0: all
	status int           // answer with this
	body   string        // and this
	after  time.Duration // answer that much later
	commit bool          // carry the request out before failing
	cut    bool          // drop the connection without an answer
	hang   bool          // never answer, and see the end of the request that much later
	panics bool
	err    error // do not even send it
}

const (
	testToken = "MTE5ODYyMjQ4MzQ3MTkyNTI0OA.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs_Abc"
	testBase  = "https://discord.test/api/v10"
	selfID    = 1198622483471925248
	appID     = 1198622483471925249
	ownerID   = 80351110224678912
	askerID   = 290926798626357999
	channelID = 1203000000000000001
	guildID   = 1203000000000000002
	directID  = 1203000000000000004
)

func newFakeDiscord() *fakeDiscord {
	return &fakeDiscord{
		interactions: map[string]*fakeInteraction{},
		application: fmt.Sprintf(`{"id":"%d","name":"ResearchBot","flags":%d,"bot":{"id":"%d"},"owner":{"id":"%d"}}`,
			appID, 1<<19|1<<15, selfID, ownerID),
		commands: `[]`,
		guild:    guildWithRole,
		channel:  fmt.Sprintf(`{"id":"%d","type":0,"name":"general"}`, channelID),
		member:   `{"communication_disabled_until":null}`,
	}
}

func (d *fakeDiscord) fail(f fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append(d.faults, &f)
}

// heal ends all faults.
func (d *fakeDiscord) heal() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = nil
}

// strike returns the fault that this request meets, if any.
func (d *fakeDiscord) strike(line string) fault {
	for _, f := range d.faults {
		if !strings.HasPrefix(line, f.on) {
			continue
		}
		if f.skip > 0 {
			f.skip--
			continue
		}
		if f.times == 0 {
			continue
		}
		f.times--
		return *f
	}
	return fault{commit: true}
}

// RoundTrip answers one request.
func (d *fakeDiscord) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	line := r.Method + " " + strings.TrimPrefix(r.URL.String(), testBase)
	d.mu.Lock()
	d.requests = append(d.requests, request{time.Now(), line, string(body)})
	d.inspect(r, line, body)
	f := d.strike(line)
	wait := d.latency + f.after
	d.mu.Unlock()

	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if f.err != nil {
		return nil, f.err
	}
	if f.panics {
		panic("a transport gone wrong")
	}
	if f.hang {
		<-r.Context().Done()
		time.Sleep(f.after)
		return nil, r.Context().Err()
	}
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	status, answer := 0, ""
	if f.commit || (f.status == 0 && !f.cut) {
		d.mu.Lock()
		status, answer = d.carryOut(r.Method, r.URL, body)
		d.mu.Unlock()
	}
	if f.cut {
		return nil, errors.New("read tcp: connection reset by peer")
	}
	if f.status != 0 {
		status, answer = f.status, f.body
	}
	return &http.Response{
		Status: http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(answer)), Request: r,
	}, nil
}

// inspect notes what Discord would not like about a request (G-125, G-126).
func (d *fakeDiscord) inspect(r *http.Request, line string, body []byte) {
	complain := func(what string) { d.problems = append(d.problems, line+": "+what) }
	if agent := r.Header.Get("User-Agent"); !strings.HasPrefix(agent, "DiscordBot (https://") || !strings.Contains(agent, ", ") {
		complain("User-Agent " + agent)
	}
	if !strings.HasPrefix(r.URL.Path, "/api/v10/") {
		complain("path " + r.URL.Path)
	}
	wantAuth := "Bot " + testToken
	if strings.HasPrefix(r.URL.Path, "/api/v10/webhooks/") || strings.HasPrefix(r.URL.Path, "/api/v10/interactions/") {
		wantAuth = ""
	}
	if got := r.Header.Get("Authorization"); got != wantAuth {
		complain(fmt.Sprintf("Authorization of %d bytes", len(got)))
	}
	if has := r.Header.Get("Content-Type") != ""; has != (len(body) > 0) {
		complain("Content-Type " + r.Header.Get("Content-Type"))
	}
	if bytes.Contains(body, []byte(testToken)) {
		complain("the body holds the token")
	}
}

func failure(status, code int, message string) (int, string) {
	return status, fmt.Sprintf(`{"message":%q,"code":%d}`, message, code)
}

// carryOut does what the request asks for.
func (d *fakeDiscord) carryOut(method string, u *url.URL, body []byte) (int, string) {
	p := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/api/v10/"), "/")
	for i, part := range p {
		p[i], _ = url.PathUnescape(part)
	}
	switch where := method + " " + p[0]; {
	case where == "GET users" && len(p) == 2:
		return 200, fmt.Sprintf(`{"id":"%d"}`, selfID)
	case where == "GET users":
		return d.page(u.Query())
	case where == "GET channels":
		return 200, d.channel
	case where == "POST users":
		return 200, fmt.Sprintf(`{"id":"%d","type":1}`, directID)
	case where == "PUT channels" && len(p) == 7 && p[4] == "reactions":
		d.reactions = append(d.reactions, p[3]+" "+p[5])
		return 204, ""
	case where == "GET guilds" && len(p) == 4:
		return 200, d.member
	case where == "GET guilds":
		return 200, d.guild
	case where == "GET applications" && p[1] == "@me":
		return 200, d.application
	case where == "GET applications":
		return 200, d.commands
	case where == "PUT applications":
		d.commands = string(body)
		return 200, d.commands
	case where == "POST channels":
		return d.create(p[1], body)
	case where == "POST interactions":
		return d.acknowledge(p[1], p[2], body)
	case p[0] == "webhooks":
		return d.webhook(method, p, body)
	}
	d.problems = append(d.problems, "no such route: "+method+" "+u.Path)
	return failure(404, 0, "404: Not Found")
}

// page lists guilds after an id, as GET /users/@me/guilds does.
func (d *fakeDiscord) page(q url.Values) (int, string) {
	after, _ := strconv.ParseUint(q.Get("after"), 10, 64)
	limit, _ := strconv.Atoi(q.Get("limit"))
	var page []string
	for _, id := range d.guilds {
		if id > after && len(page) < limit {
			page = append(page, fmt.Sprintf(`{"id":"%d"}`, id))
		}
	}
	return 200, "[" + strings.Join(page, ",") + "]"
}

// read decodes a message body and checks it as Discord and good manners do.
func (d *fakeDiscord) read(body []byte) (m messageBody, ok bool) {
	if err := json.Unmarshal(body, &m); err != nil || strings.TrimSpace(m.Content) == "" || units(m.Content) > 2000 {
		d.problems = append(d.problems, fmt.Sprintf("not a message: %.80q (%d units)", body, units(m.Content)))
		return m, false
	}
	if !bytes.Contains(body, []byte(`"allowed_mentions":{"parse":[],"replied_user":false}`)) {
		d.problems = append(d.problems, "it may ping: "+string(body))
	}
	return m, true
}

func (d *fakeDiscord) create(channel string, body []byte) (int, string) {
	m, ok := d.read(body)
	if !ok {
		return failure(400, 50035, "Invalid Form Body")
	}
	if !m.EnforceNonce || m.Nonce == "" || len(m.Nonce) > 25 {
		d.problems = append(d.problems, "no proper nonce: "+string(body))
	}
	for i, other := range d.messages {
		if other.Nonce == m.Nonce {
			return 200, fmt.Sprintf(`{"id":"%d"}`, i+1)
		}
	}
	d.messages = append(d.messages, posted{channel, m, string(body)})
	return 200, fmt.Sprintf(`{"id":"%d"}`, len(d.messages))
}

func (d *fakeDiscord) acknowledge(id, token string, body []byte) (int, string) {
	i := d.interactions[token]
	switch {
	case i == nil || i.id != id:
		return failure(404, 10062, "Unknown interaction")
	case i.acked:
		return failure(400, 40060, "Interaction has already been acknowledged.")
	case time.Since(i.created) > 3*time.Second:
		return failure(404, 10062, "Unknown interaction")
	}
	var c struct {
		Type int             `json:"type"`
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &c); err != nil {
		return failure(400, 50109, "The request body contains invalid JSON.")
	}
	switch c.Type {
	case 4:
		m, ok := d.read(c.Data)
		if !ok {
			return failure(400, 50035, "Invalid Form Body")
		}
		i.content, i.flags = m.Content, int64(m.Flags)
	case 5:
		i.loading = true
	case 12:
		i.content = "the Activity was launched"
	default:
		d.problems = append(d.problems, fmt.Sprintf("callback type %d", c.Type))
	}
	i.acked = true
	return 204, ""
}

// webhook serves the later answers to an interaction.
func (d *fakeDiscord) webhook(method string, p []string, body []byte) (int, string) {
	i := d.interactions[p[2]]
	switch {
	case i == nil || p[1] != strconv.Itoa(appID):
		return failure(404, 10015, "Unknown Webhook")
	case time.Since(i.created) > 15*time.Minute:
		return failure(401, 50027, "Invalid Webhook Token")
	case !i.acked:
		return failure(404, 10015, "Unknown Webhook")
	case method == "GET":
		flags := i.flags
		if i.loading {
			flags |= 1 << 7
		}
		return 200, fmt.Sprintf(`{"content":%q,"flags":%d}`, i.content, flags)
	}
	m, ok := d.read(body)
	if !ok {
		return failure(400, 50035, "Invalid Form Body")
	}
	if method == "PATCH" {
		i.content, i.loading = m.Content, false
		i.edits++
	} else {
		i.followUps = append(i.followUps, m.Content)
	}
	return 200, `{}`
}

// standing returns the messages in order.
func (d *fakeDiscord) standing() []posted {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.messages)
}

// said returns the contents of all messages in order.
func (d *fakeDiscord) said() []string {
	var all []string
	for _, m := range d.standing() {
		all = append(all, m.Content)
	}
	return all
}

// asked returns the requests whose line begins with the text.
func (d *fakeDiscord) asked(line string) []request {
	d.mu.Lock()
	defer d.mu.Unlock()
	var found []request
	for _, r := range d.requests {
		if strings.HasPrefix(r.line, line) {
			found = append(found, r)
		}
	}
	return found
}

// interaction returns a copy of what became of an interaction.
func (d *fakeDiscord) interaction(token string) fakeInteraction {
	d.mu.Lock()
	defer d.mu.Unlock()
	return *d.interactions[token]
}
