package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"evergreen/internal/discord/rest"
	"evergreen/internal/health"
)

// getGateway sends GET /gateway, which needs no token.
func (x *examination) getGateway(ctx context.Context) (*http.Response, []byte, time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, x.config.APIURL+"/gateway", nil)
	if err != nil {
		return nil, nil, 0, err
	}
	req.Header.Set("User-Agent", x.userAgent())
	began := time.Now()
	resp, err := x.client.Do(req)
	if err != nil {
		return nil, nil, 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return resp, body, time.Since(began), err
}

// checkREST checks without the token whether REST answers, and is Discord's.
func (x *examination) checkREST(ctx context.Context) Finding {
	resp, body, took, err := x.getGateway(ctx)
	if err != nil {
		return fail("REST does not answer: "+explain(err),
			"If the checks above are well, something on the way takes the connection and not the request: a firewall or proxy.").withCause(health.NetworkDown)
	}
	x.answer = x.readAnswer(resp.Header)
	var answer struct {
		URL string `json:"url"`
	}
	isJSON := json.Unmarshal(body, &answer) == nil
	if resp.StatusCode == http.StatusOK && isJSON && answer.URL != "" {
		x.gatewayURL = answer.URL
		f := pass(fmt.Sprintf("GET /gateway answered 200 in %s", roundTrip(took)), "the gateway is at "+plain(answer.URL))
		if x.answer.edge != "" {
			f = f.with("answered by the edge in " + x.answer.edge)
		}
		return f
	}
	said := fmt.Sprintf("GET /gateway answered HTTP %d: %s", resp.StatusCode, snippet(body))
	refusal := rest.InspectRefusal(resp.StatusCode, resp.Header, body)
	switch code := resp.StatusCode; {
	case code == http.StatusProxyAuthRequired:
		return needsYou("the proxy wants a login", "Put it into HTTPS_PROXY: http://user:password@host:port").with(said).withCause(health.ProxyBlocks)
	case refusal.Reason == rest.ReasonBanned:
		f := fail("Discord (Cloudflare) blocks this address for a while",
			"Stop what sends refused requests, and wait: further requests make it longer. The bot waits by itself and keeps its connection.",
			"On shared hosting somebody else may have caused it: move to an address of your own.").with(said).withCause(health.IPBanned)
		if refusal.Code != 0 {
			f = f.with(fmt.Sprintf("Cloudflare's error %d", refusal.Code))
		}
		if after := resp.Header.Get("Retry-After"); after != "" {
			f = f.with("it says for how long, in seconds or until when: " + plain(after))
		}
		return f
	case refusal.Reason == rest.ReasonForeign && code >= 400:
		return fail(fmt.Sprintf("something between this machine and Discord answers in its place (HTTP %d)", code),
			"Look at what stands between this machine and "+x.target.Host+": a proxy, a firewall or a load balancer. The bot asks again every minute.").with(said).withCause(health.NetworkDown)
	case code == http.StatusTooManyRequests:
		return warn("REST answers, but says that this address asks too much just now", "Wait a minute and run the doctor again.").with(said)
	case code >= 500:
		f := fail(fmt.Sprintf("Discord's REST answers HTTP %d", code), "This is Discord, not you: see https://discordstatus.com. Nothing to do; the bot waits and comes back by itself.").with(said).withCause(health.DiscordOutage)
		if x.isSimulated() {
			f.Says = fmt.Sprintf("%s answers HTTP %d", x.target.Host, code)
			f.Next = []string{"This is " + x.target.Host + ", which stands in for Discord, not you: look at what runs there, or take DISCORD_API_URL out to use Discord itself."}
		}
		return f
	case code >= 300 && code < 400:
		return fail("something else than Discord answers and wants to lead elsewhere: a captive portal, or a proxy",
			"Open any page in a browser on this network and log in, or use another network.").with(said, "to "+plain(resp.Header.Get("Location")))
	case code == http.StatusNotFound && x.isSimulated():
		return needsYou("what answers at "+x.config.APIURL+" is not Discord's API", "Correct DISCORD_API_URL, or take it out to use Discord itself.").with(said)
	}
	return fail("what answers is not Discord's API", "Look at what stands between this machine and "+x.target.Host+": a proxy, a portal, an entry in /etc/hosts.").with(said)
}

// snippet returns the beginning of a body, without its tags.
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

// readAnswer returns what the headers of an answer tell.
func (x *examination) readAnswer(h http.Header) restAnswer {
	a := restAnswer{at: x.Now(), edge: edge(h)}
	if date, err := http.ParseTime(h.Get("Date")); err == nil {
		a.date = date
	}
	return a
}

// clockOffset is how far this machine's clock is ahead of the server's, to a second.
func (x *examination) clockOffset() time.Duration { return x.answer.at.Sub(x.answer.date) }

func sayOffset(off time.Duration) string {
	if off < 0 {
		return longDuration(-off) + " behind"
	}
	return longDuration(off) + " ahead"
}

// From clockWarn on logs are misleading, from clockFail on certificates may be
// refused.
const (
	clockWarn = 5 * time.Second
	clockFail = 5 * time.Minute
)

// checkClock compares this machine's clock with the server's.
func (x *examination) checkClock(context.Context) Finding {
	if x.answer.date.IsZero() {
		return pass("the other side does not tell its time")
	}
	off := x.clockOffset()
	next := "Let the clock be set by NTP: timedatectl set-ntp true (a container has the clock of its host)."
	evidence := "Date of the answer: " + x.answer.date.UTC().Format(time.DateTime) + ", this machine: " + x.answer.at.UTC().Format(time.DateTime) + " UTC"
	switch {
	case off.Abs() > clockFail:
		return fail("the clock of this machine is "+sayOffset(off), next).with(evidence).withCause(health.CertificateBad)
	case off.Abs() > clockWarn:
		return warn("the clock of this machine is "+sayOffset(off), next).with(evidence)
	}
	return pass("right, to a few seconds", evidence)
}
