package statuspage

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"evergreen/internal/text"
)

// Indicator is the page's status as a whole: none, minor, major, critical or
// maintenance.
type Indicator string

const (
	None     Indicator = "none"
	Minor    Indicator = "minor"
	Major    Indicator = "major"
	Critical Indicator = "critical"
)

// ComponentStatus is the status of one component, such as "partial_outage"; empty
// if the page does not list it.
type ComponentStatus string

const (
	Operational ComponentStatus = "operational"
	Maintenance ComponentStatus = "under_maintenance"
)

// isServing reports whether no trouble with the component is known.
func (c ComponentStatus) isServing() bool { return c == "" || c == Operational || c == Maintenance }

// words returns the status for people, such as "partial outage".
func (c ComponentStatus) words() string { return strings.ReplaceAll(string(c), "_", " ") }

// Incident is an open incident of the page.
type Incident struct {
	Name   string
	Impact Indicator
	// Stage is investigating, identified, monitoring and the like.
	Stage   string
	Link    string
	Updated time.Time
}

// Status is the content of the page. The zero value means that nothing is known.
type Status struct {
	// At is when the page was read, or last confirmed as unchanged.
	At          time.Time
	Indicator   Indicator
	Description string
	// API and Gateway are the components that a bot depends on.
	API, Gateway ComponentStatus
	// Incidents are the open incidents, the newest first.
	Incidents []Incident
}

// Known reports whether anything is known.
func (s Status) Known() bool { return !s.At.IsZero() }

// Trouble reports whether something that a bot depends on does not work. If the
// page does not list the components, only a major or critical indicator counts:
// minor ones are about stickers.
func (s Status) Trouble() bool {
	switch {
	case !s.Known():
		return false
	case !s.API.isServing() || !s.Gateway.isServing():
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

// Says returns the status in words, such as "Partial System Outage; Gateway: partial
// outage; Elevated API errors"; empty if nothing is known.
func (s Status) Says() string {
	var parts []string
	add := func(text string) {
		if text != "" {
			parts = append(parts, text)
		}
	}
	add(s.Description)
	if !s.API.isServing() {
		add("API: " + s.API.words())
	}
	if !s.Gateway.isServing() {
		add("Gateway: " + s.Gateway.words())
	}
	if s.Trouble() && len(s.Incidents) > 0 {
		add(s.Incidents[0].Name)
	}
	return strings.Join(parts, "; ")
}

// clone returns a copy that shares nothing with the status.
func (s Status) clone() Status {
	s.Incidents = append([]Incident(nil), s.Incidents...)
	return s
}

// saysTheSame reports whether two statuses differ only in their times.
func (s Status) saysTheSame(o Status) bool {
	return s.Known() == o.Known() && s.Indicator == o.Indicator && s.Trouble() == o.Trouble() && s.Says() == o.Says()
}

// The limits of what is kept of an answer.
const (
	maxText      = 200 // bytes
	maxIncidents = 10
)

// summary is the part of summary.json that is used.
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

var errNotAPage = errors.New("the answer is not that of a status page")

// parse reads summary.json.
func parse(body []byte, at time.Time) (Status, error) {
	var page summary
	if err := json.Unmarshal(body, &page); err != nil {
		return Status{}, errNotAPage
	}
	s := Status{At: at, Indicator: Indicator(plain(page.Status.Indicator)), Description: plain(page.Status.Description)}
	if s.Indicator == "" {
		return Status{}, errNotAPage
	}
	for _, c := range page.Components {
		// By name, because the ids differ from page to page.
		switch {
		case c.Group:
		case strings.EqualFold(c.Name, "API"):
			s.API = ComponentStatus(plain(c.Status))
		case strings.EqualFold(c.Name, "Gateway"):
			s.Gateway = ComponentStatus(plain(c.Status))
		}
	}
	for _, i := range page.Incidents {
		if i.Status == "resolved" || i.Status == "postmortem" {
			continue
		}
		if len(s.Incidents) == maxIncidents {
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
func plain(s string) string { return text.Clip(text.OneLine(s), maxText) }
