package api

import (
	"net/http"

	"evergreen/internal/health"
)

// runbookView is the catalogue of causes as a page, so that an incident's link
// leads somewhere on a machine that has the program alone.
type runbookView struct {
	pageFrame
	Ranked, Everyday []causeView
}

type causeView struct {
	ID               health.CauseID
	Number           int
	Title, Do        string
	Happened         string
	Recognised, Done string
}

func newRunbookView(f pageFrame) runbookView {
	f.Title = f.T("title", f.T("runbook"), f.T("brand"))
	v := runbookView{pageFrame: f}
	for _, c := range health.Catalogue {
		row := causeView{c.ID, c.Number, f.CauseTitle(c), f.CauseDo(c), c.Happened, c.Recognised, c.Done}
		if c.Number > 0 {
			v.Ranked = append(v.Ranked, row)
		} else {
			v.Everyday = append(v.Everyday, row)
		}
	}
	return v
}

// causeSection is a part of the runbook with the words it is told in.
type causeSection struct {
	Page pageFrame
	Rows []causeView
}

// Section is the causes of one part.
func (v runbookView) Section(rows []causeView) causeSection { return causeSection{v.pageFrame, rows} }

// runbook explains every cause.
func (s *Server) runbook(w http.ResponseWriter, r *http.Request) {
	writePage(w, http.StatusOK, "runbook.html", newRunbookView(newPageFrame(w, r, "runbook")))
}
