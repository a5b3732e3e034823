package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"evergreen/internal/health"
)

// question asks REST for something that needs no token.
func (v *visit) question(ctx context.Context) (*http.Response, []byte, time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.config.APIURL+"/gateway", nil)
	if err != nil {
		return nil, nil, 0, err
	}
	req.Header.Set("User-Agent", v.userAgent())
	began := time.Now()
	resp, err := v.client.Do(req)
	if err != nil {
		return nil, nil, 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return resp, body, time.Since(began), err
}

// checkREST asks a question without the token: does REST answer, and is it
// Discord's?
func (v *visit) checkREST(ctx context.Context) Finding {
	resp, body, took, err := v.question(ctx)
	if err != nil {
		return fail("REST does not answer: "+why(err),
			"If the checks above are well, something on the way takes the connection and not the request: a firewall or proxy.").because(health.NetworkDown)
	}
	v.answered = v.clockIn(resp.Header)
	var answer struct {
		URL string `json:"url"`
	}
	isJSON := json.Unmarshal(body, &answer) == nil
	if resp.StatusCode == http.StatusOK && isJSON && answer.URL != "" {
		v.gateway = answer.URL
		f := pass(fmt.Sprintf("GET /gateway answered 200 in %s", ms(took)), "the gateway is at "+plain(answer.URL))
		if v.answered.edge != "" {
			f = f.saw("answered by the edge in " + v.answered.edge)
		}
		return f
	}
	said := fmt.Sprintf("GET /gateway answered HTTP %d: %s", resp.StatusCode, snippet(body))
	switch code := resp.StatusCode; {
	case code == http.StatusProxyAuthRequired:
		return needsYou("the proxy wants a login", "Put it into HTTPS_PROXY: http://user:password@host:port").saw(said).because(health.ProxyBlocks)
	case (code == http.StatusTooManyRequests || code == http.StatusForbidden) && !isJSON:
		f := fail("Discord blocks this address for a while (Cloudflare)",
			"Stop what sends refused requests, and wait: knocking makes it longer. The bot waits by itself and keeps its connection.",
			"On shared hosting somebody else may have caused it: move to an address of your own.").saw(said).because(health.IPBanned)
		if after := resp.Header.Get("Retry-After"); after != "" {
			f = f.saw("it says for how long, in seconds: " + plain(after))
		}
		return f
	case code == http.StatusTooManyRequests:
		return warn("REST answers, but says that this address asks too much just now", "Wait a minute and run the doctor again.").saw(said)
	case code >= 500:
		return fail(fmt.Sprintf("Discord's REST answers HTTP %d", code), "This is Discord, not you: see https://discordstatus.com. Nothing to do; the bot waits and comes back by itself.").saw(said).because(health.DiscordOutage)
	case code >= 300 && code < 400:
		return fail("something else than Discord answers and wants to lead elsewhere: a captive portal, or a proxy",
			"Open any page in a browser on this network and log in, or use another network.").saw(said, "to "+plain(resp.Header.Get("Location")))
	case code == http.StatusNotFound && v.simulated():
		return needsYou("what answers at "+v.config.APIURL+" is not Discord's API", "Correct DISCORD_API_URL, or take it out to use Discord itself.").saw(said)
	}
	return fail("what answers is not Discord's API", "Look at what stands between this machine and "+v.target.Host+": a proxy, a portal, an entry in /etc/hosts.").saw(said)
}

// snippet is the beginning of a foreign body, without its tags.
func snippet(body []byte) string {
	var b strings.Builder
	inside := false
	for _, r := range string(body[:min(len(body), 2000)]) {
		switch {
		case r == '<':
			inside = true
			b.WriteByte(' ')
		case r == '>':
			inside = false
		case !inside:
			b.WriteRune(r)
		}
	}
	text := plain(b.String())
	if text == "" {
		return "an empty body"
	}
	return text
}

// clockIn reads the clock of the other side from an answer.
func (v *visit) clockIn(h http.Header) answered {
	a := answered{at: v.Now(), edge: edgeOf(h)}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		a.date = date
	}
	return a
}

// skew is how far this machine's clock is ahead of the other side's; the header
// has whole seconds.
func (v *visit) skew() time.Duration { return v.answered.at.Sub(v.answered.date) }

func aheadBehind(off time.Duration) string {
	if off < 0 {
		return lasted(-off) + " behind"
	}
	return lasted(off) + " ahead"
}

// The skews from which tokens of other services, certificates and logs suffer.
const (
	skewWarn = 5 * time.Second
	skewFail = 5 * time.Minute
)

// checkClock compares the clocks.
func (v *visit) checkClock(context.Context) Finding {
	if v.answered.date.IsZero() {
		return pass("the other side does not tell its time")
	}
	off := v.skew()
	next := "Let the clock be set by NTP: timedatectl set-ntp true (a container has the clock of its host)."
	evidence := "Date of the answer: " + v.answered.date.UTC().Format(time.DateTime) + ", this machine: " + v.answered.at.UTC().Format(time.DateTime) + " UTC"
	switch {
	case off.Abs() > skewFail:
		return fail("the clock of this machine is "+aheadBehind(off), next).saw(evidence).because(health.CertificateBad)
	case off.Abs() > skewWarn:
		return warn("the clock of this machine is "+aheadBehind(off), next).saw(evidence)
	}
	return pass("right, to a few seconds", evidence)
}
