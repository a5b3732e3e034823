package api

import (
	"encoding/xml"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"evergreen/internal/health"
	"evergreen/internal/health/history"
	"evergreen/internal/web/dashboard"
)

// badgeAge is how long a badge may be kept, here and by clients.
const badgeAge = time.Minute

// The colours of badges, each dark enough for white letters.
const (
	badgeGreen = "#2e7d32"
	badgeAmber = "#8a6100"
	badgeRed   = "#b3261e"
	badgeGrey  = "#5f6368"
)

var stateColours = map[health.Status]string{
	health.Online: badgeGreen, health.Degraded: badgeAmber, health.Reconnecting: badgeAmber, health.Starting: badgeAmber,
	health.Offline: badgeRed, health.NeedsYou: badgeRed, health.Stopping: badgeGrey,
}

// stateBadge draws how the bot is.
func (s *Server) stateBadge(w http.ResponseWriter, r *http.Request) {
	status := s.opts.Bot.Snapshot().Status
	writeBadge(w, r, "bot", strings.ToLower(status.String()), stateColours[status])
}

// uptimeBadge draws how much of a window the bot was online.
func (s *Server) uptimeBadge(w http.ResponseWriter, r *http.Request) {
	asked, p, ok := windowOf(r, history.UptimeWindows, "30d")
	if !ok {
		p.Write(w)
		return
	}
	share := -1.0
	if s.opts.History != nil {
		share = s.badges.share(asked, s.opts.History)
	}
	label := "uptime " + asked.Name
	if share < 0 {
		writeBadge(w, r, label, "unknown", badgeGrey)
		return
	}
	colour := badgeRed
	switch {
	case share >= 0.999:
		colour = badgeGreen
	case share >= 0.99:
		colour = badgeAmber
	}
	writeBadge(w, r, label, percent(share), colour)
}

// percent says a share. It never rounds up: what is not whole is not 100 %.
func percent(share float64) string {
	// The share comes from a division; a hair below a step is that step.
	return fmt.Sprintf("%.2f%%", math.Floor(min(share, 1)*1e4+1e-6)/100)
}

// badgeCache keeps the uptime of each window for a while, because any client may
// ask for a badge as often as it likes.
type badgeCache struct {
	mu    sync.Mutex
	known map[string]knownShare
}

type knownShare struct {
	share float64
	at    time.Time
}

// share is the uptime of a window; negative if nothing is known. Requests that
// come at once wait for one reading.
func (c *badgeCache) share(of history.Window, from dashboard.History) float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k, ok := c.known[of.Name]; ok && time.Since(k.at) < badgeAge {
		return k.share
	}
	share := from.Uptime(history.All, of.Length).Share()
	if c.known == nil {
		c.known = make(map[string]knownShare)
	}
	c.known[of.Name] = knownShare{share, time.Now()}
	return share
}

// badgeSVG takes: the whole width, the title, the width of the left part, the
// width and colour of the right part, and for both parts the middle, the width
// and the text of the letters.
const badgeSVG = `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="20" role="img" aria-label="%[2]s">` +
	`<title>%[2]s</title>` +
	`<clipPath id="r"><rect width="%[1]d" height="20" rx="3"/></clipPath>` +
	`<g clip-path="url(#r)"><rect width="%[3]d" height="20" fill="#3c4043"/>` +
	`<rect x="%[3]d" width="%[4]d" height="20" fill="%[5]s"/></g>` +
	`<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">` +
	`<text x="%[6]d" y="14" textLength="%[7]d">%[8]s</text>` +
	`<text x="%[9]d" y="14" textLength="%[10]d">%[11]s</text></g></svg>` + "\n"

// writeBadge draws a badge with a label and a value.
func writeBadge(w http.ResponseWriter, r *http.Request, label, value, colour string) {
	const margin = 6
	left, right := textWidth(label), textWidth(value)
	label, value = escapeXML(label), escapeXML(value)
	split := left + 2*margin
	svg := fmt.Sprintf(badgeSVG, split+right+2*margin, label+": "+value, split, right+2*margin, colour,
		split/2, left, label, split+margin+right/2, right, value)
	h := w.Header()
	h.Set("Cache-Control", fmt.Sprintf("public, max-age=%d", int(badgeAge/time.Second)))
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // badges stand on other sites
	WriteKept(w, r, "image/svg+xml", []byte(svg))
}

func escapeXML(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text))
	return b.String()
}

// narrow and wide are letters whose width differs much from the usual 7 units.
const narrow, wide = "fijlrt .:I", "mw%MW"

// textWidth is about how wide a text is in the badge's letters. The drawing
// makes it exactly that wide.
func textWidth(text string) int {
	width := 7 * utf8.RuneCountInString(text)
	for _, letter := range text {
		switch {
		case strings.ContainsRune(narrow, letter):
			width -= 3
		case strings.ContainsRune(wide, letter):
			width += 4
		}
	}
	return width
}
