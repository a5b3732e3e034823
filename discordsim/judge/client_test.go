package judge_test

import (
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"evergreen/discordsim"

	"github.com/coder/websocket"
)

// habits are what a simple client does wrong. Without any it is a decent one, as
// somebody might write it in an afternoon.
type habits struct {
	neverAsks    bool // does not ask for the address
	hastyHello   bool // identifies without waiting for HELLO
	twice        bool // sends IDENTIFY twice
	prefix       bool // puts Bot before the token
	forgetful    bool // never resumes
	onBase       bool // resumes on the base address
	stale        bool // resumes from a number long past
	goodbye      bool // closes with 1000
	deafTo7      bool // ignores op 7
	hastyOn9     bool // does not wait after op 9
	holdsOnOn9   bool // resumes after op 9 false
	nulls        bool // heartbeats without a number
	noJitter     bool // beats first after a whole interval
	rareJitter   bool // the same, but for every tenth connection
	slowToNotice bool // leaves after three unanswered heartbeats
	asksGateway  bool // asks GET /gateway for the address
	oldAgent     bool // a User-Agent as libraries have sent it for ten years
	reuses       bool // goes on on the same connection after op 9
	waitsHello   bool // like patient, but without any end
	fixed        bool // beats as it pleases
	doubled      bool // two timers
	mute         bool // does not beat when asked to
	trusting     bool // does not miss answers
	impatient    bool // does not wait for READY
	patient      bool // waits for HELLO for ever
	op11         bool // answers heartbeats with op 11
	fragile      bool // falls over unknown payloads
	hammers      bool // no backoff
	presences    bool // changes its presence all the time
	strange      bool // sends an opcode nobody knows
	bareAgent    bool // a User-Agent of its own
	answersAll   bool // answers webhooks too
	pingsAll     bool // replies without allowed_mentions
	answersAgain bool // answers every event, and sends again without a nonce
	stubborn     bool // goes on after it has been refused for good
	oldNumber    bool // keeps the number of the session before
	slow         bool // takes its time to come back
	shy          bool // does not beat before READY
	clings       bool // never gives a session up
	waits        bool // waits for RESUMED for ever
	wrongDoor    bool // identifies at the resume address
	oldVersion   bool // speaks version 9
	smallMouth   bool // reads a megabyte at most
	throwsAway   bool // forgets the session when it cannot connect
	hastyStart   bool // does not space its IDENTIFYs
	ownPatience  bool // leaves when heartbeats were unanswered for a minute
	lateHello    bool // waits for HELLO for a minute
	hangs        bool // does nothing any more once something else than HELLO has come
	holdsBack    bool // now and then beats first after the 5 s between two IDENTIFYs
	ponders      bool // takes 4 s to read what is large
	shrugs       bool // stays when what comes makes no sense
}

// client is one shard in the simplest way: one connection after another.
type client struct {
	sim   *discordsim.Sim
	token string
	bad   habits
	rng   *rand.Rand
	http  *http.Client

	base, resumeURL, session string
	identified               time.Time
	visits                   int
	failures, refusals       int

	mu   sync.Mutex
	seq  int64
	seen map[string]bool
	work sync.WaitGroup
}

func newClient(sim *discordsim.Sim, token string, bad habits) *client {
	return &client{
		sim: sim, token: token, bad: bad, rng: rand.New(rand.NewPCG(4, 2)), http: &http.Client{Transport: sim.Transport(), Timeout: 20 * time.Second},
		base: "ws://gateway.discord.sim/", seen: map[string]bool{},
	}
}

// run keeps the client connected until ctx ends or Discord has refused it for good.
func (c *client) run(ctx context.Context) {
	defer c.http.CloseIdleConnections()
	defer c.work.Wait()
	for !c.bad.neverAsks && !c.locate(ctx) && pause(ctx, time.Second) {
	}
	for ctx.Err() == nil {
		wait, over := c.connect(ctx)
		if over || !pause(ctx, wait) {
			return
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *client) jitter(low, high time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return low + time.Duration(c.rng.Float64()*float64(high-low))
}

func (c *client) backoff() time.Duration {
	if c.bad.slow {
		return 6 * time.Second
	}
	if c.bad.hammers {
		return 10 * time.Millisecond
	}
	return c.jitter(0, min(8*time.Second, 500*time.Millisecond<<min(c.failures, 10)))
}

func (c *client) request(ctx context.Context, method, path, body string) (int, []byte) {
	req, err := http.NewRequestWithContext(ctx, method, c.sim.APIURL()+path, strings.NewReader(body))
	if err != nil {
		return 0, nil
	}
	req.Header.Set("Authorization", "Bot "+c.token)
	req.Header.Set("User-Agent", "DiscordBot (https://example.com, 1.0)")
	if c.bad.oldAgent {
		req.Header.Set("User-Agent", "DiscordBot (https://example.com 1.0) Python/3.11")
	}
	if c.bad.bareAgent {
		req.Header.Set("User-Agent", "Go-http-client/1.1")
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, answer
}

func (c *client) locate(ctx context.Context) bool {
	path := "/gateway/bot"
	if c.bad.asksGateway {
		path = "/gateway"
	}
	status, body := c.request(ctx, "GET", path, "")
	var in struct{ URL string }
	if status != 200 || json.Unmarshal(body, &in) != nil {
		return false
	}
	c.base = in.URL
	return true
}

// connect lives through one connection and says how long to wait before the next.
func (c *client) connect(ctx context.Context) (wait time.Duration, over bool) {
	url, resume := c.base, c.session != "" && !c.bad.forgetful
	if resume && c.refusals >= 5 && !c.bad.clings {
		c.forget()
		resume = false
	}
	if (resume && !c.bad.onBase && c.failures%4 != 3) || (c.bad.wrongDoor && c.resumeURL != "") {
		url = c.resumeURL
	}
	if gap := 5200*time.Millisecond - time.Since(c.identified); !resume && !c.identified.IsZero() && gap > 0 && !c.bad.forgetful && !c.bad.hastyStart && !pause(ctx, gap) {
		return 0, true
	}
	dial, cancel := context.WithTimeout(ctx, 10*time.Second)
	version := "10"
	if c.bad.oldVersion {
		version = "9"
	}
	ws, _, err := websocket.Dial(dial, strings.TrimSuffix(url, "/")+"/?encoding=json&v="+version, &websocket.DialOptions{HTTPClient: c.http})
	cancel()
	if err != nil {
		c.failures++
		if c.bad.throwsAway {
			c.forget()
		}
		return c.backoff(), false
	}
	defer ws.CloseNow()
	ws.SetReadLimit(-1)
	if c.bad.smallMouth {
		ws.SetReadLimit(1 << 20)
	}
	life, end := context.WithCancel(ctx)
	defer end()
	c.visits++
	v := &visit{client: c, ws: ws, ctx: life, resume: resume, fresh: !resume}
	return v.live()
}

func (c *client) forget() {
	c.session, c.refusals = "", 0
	if c.bad.oldNumber {
		return
	}
	c.mu.Lock()
	c.seq = 0
	c.mu.Unlock()
}
