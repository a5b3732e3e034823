package statuspage

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"evergreen/internal/text"
)

// Indicator is how bad it is as a whole, in Discord's own words: none, minor,
// major, critical or maintenance.
type Indicator string

// The indicators that matter here.
const (
	None     Indicator = "none"
	Minor    Indicator = "minor"
	Major    Indicator = "major"
	Critical Indicator = "critical"
)

// Condition is how one component is, such as "partial_outage". Empty means
// that the page does not say.
type Condition string

// The conditions in which a component serves.
const (
	Operational Condition = "operational"
	Maintenance Condition = "under_maintenance"
)

// serves reports whether nothing is known against the component.
func (c Condition) serves() bool { return c == "" || c == Operational || c == Maintenance }

// words says a condition for people, such as "partial outage".
func (c Condition) words() string { return strings.ReplaceAll(string(c), "_", " ") }

// Incident is something that goes on at Discord.
type Incident struct {
	Name   string
	Impact Indicator
	// Stage is investigating, identified, monitoring and the like.
	Stage   string
	Link    string
	Updated time.Time
}

// Status is what Discord said at one moment. The zero value means that nothing
// is known.
type Status struct {
	// At is when Discord said so, or last confirmed it.
	At          time.Time
	Indicator   Indicator
	Description string
	// API and Gateway are the two components a bot depends on.
	API, Gateway Condition
	// Incidents are those that go on, the newest first.
	Incidents []Incident
}

// Known reports whether Discord has said anything lately.
func (s Status) Known() bool { return !s.At.IsZero() }

// Trouble reports whether Discord says that something a bot depends on does
// not work. Where the page does not list the components, only a major or
// critical state of the whole counts: minor ones are about stickers.
func (s Status) Trouble() bool {
	switch {
	case !s.Known():
		return false
	case !s.API.serves() || !s.Gateway.serves():
		return true
	case s.API == "" && s.Gateway == "":
		return s.Indicator == Major || s.Indicator == Critical
	}
	return false
}

// IncidentName returns the name of the newest incident; empty if there is none.
func (s Status) IncidentName() string {
	if len(s.Incidents) == 0 {
		return ""
	}
	return s.Incidents[0].Name
}

// Says is the report in words, such as "Partial System Outage; Gateway: partial
// outage; Elevated API errors". It is empty as long as nothing is known.
func (s Status) Says() string {
	var parts []string
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
		}
	}
	add(s.Description)
	if !s.API.serves() {
		add("API: " + s.API.words())
	}
	if !s.Gateway.serves() {
		add("Gateway: " + s.Gateway.words())
	}
	if s.Trouble() && len(s.Incidents) > 0 {
		add(s.Incidents[0].Name)
	}
	return strings.Join(parts, "; ")
}

// clone copies the status with what it points to.
func (s Status) clone() Status {
	s.Incidents = append([]Incident(nil), s.Incidents...)
	return s
}

// same reports whether two answers say the same, whenever they were given.
func (s Status) same(o Status) bool {
	return s.Known() == o.Known() && s.Indicator == o.Indicator && s.Trouble() == o.Trouble() && s.Says() == o.Says()
}

// The bounds of what is kept of an answer.
const (
	longestText   = 200 // bytes
	mostIncidents = 10
)

// summary is the page's answer, as far as it matters here.
type summary struct {
	Status struct {
		Indicator   string `json:"indicator"`
		Description string `json:"description"`
	} `json:"status"`
	Components []struct {
		Name   string `json:"name"`
		Status string `json:"status"`
		Group  bool   `json:"group"`
	} `json:"components"`
	Incidents []struct {
		Name      string    `json:"name"`
		Status    string    `json:"status"`
		Impact    string    `json:"impact"`
		Shortlink string    `json:"shortlink"`
		Updated   time.Time `json:"updated_at"`
	} `json:"incidents"`
}

// errNotAPage means that something else than a status page answered.
var errNotAPage = errors.New("the answer is not that of a status page")

// read makes a status out of an answer.
func read(body []byte, at time.Time) (Status, error) {
	var page summary
	if err := json.Unmarshal(body, &page); err != nil {
		return Status{}, errNotAPage
	}
	s := Status{At: at, Indicator: Indicator(plain(page.Status.Indicator)), Description: plain(page.Status.Description)}
	if s.Indicator == "" {
		return Status{}, errNotAPage
	}
	for _, c := range page.Components {
		// The names are all there is: the ids differ from page to page.
		switch {
		case c.Group:
		case strings.EqualFold(c.Name, "API"):
			s.API = Condition(plain(c.Status))
		case strings.EqualFold(c.Name, "Gateway"):
			s.Gateway = Condition(plain(c.Status))
		}
	}
	for _, i := range page.Incidents {
		if i.Status == "resolved" || i.Status == "postmortem" {
			continue
		}
		if len(s.Incidents) == mostIncidents {
			break
		}
		link := plain(i.Shortlink)
		if !strings.HasPrefix(link, "https://") {
			link = ""
		}
		s.Incidents = append(s.Incidents, Incident{
			Name: plain(i.Name), Impact: Indicator(plain(i.Impact)), Stage: plain(i.Status), Link: link, Updated: i.Updated,
		})
	}
	return s, nil
}

// plain makes foreign text one printable line of bounded length.
func plain(s string) string { return text.Clip(text.OneLine(s), longestText) }
