package dashboard

import "evergreen/internal/health"

// runbookView is the catalogue of causes as a page. Links of incidents lead to it,
// also where docs/runbook.md is not at hand.
type runbookView struct {
	frame
	Ranked, Everyday []causeView
}

type causeView struct {
	ID               health.CauseID
	Number           int
	Title, Do        string
	Happened         string
	Recognised, Done string
}

func newRunbookView(f frame) runbookView {
	f.Title = f.T("title", f.T("runbook"), f.T("brand"))
	v := runbookView{frame: f}
	for _, c := range health.Catalogue {
		row := causeView{c.ID, c.Number, c.Heading().In(f), c.Remedy().In(f), c.Happened, c.Recognised, c.Done}
		if c.Number > 0 {
			v.Ranked = append(v.Ranked, row)
		} else {
			v.Everyday = append(v.Everyday, row)
		}
	}
	return v
}

// causeSection is a part of the runbook with the frame that has its texts.
type causeSection struct {
	Page frame
	Rows []causeView
}

// Section is the causes of one part.
func (v runbookView) Section(rows []causeView) causeSection { return causeSection{v.frame, rows} }
